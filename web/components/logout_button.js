/** A button that ends the session; only a server with a token has sessions. */

import { html, useEffect, useState } from "../vendor/ui.js";
import { loadSession, logOut, session } from "../core/session.js";

export function LogoutButton() {
  const [hasFailed, setHasFailed] = useState(false);
  useEffect(() => {
    loadSession().catch(() => undefined); // without an answer, the views show the error
  }, []);
  const logOutHere = () => logOut().then(() => window.location.assign("/login"), () => setHasFailed(true));
  if (!session.value?.logged_in) return null;
  return html`<button type="button" onClick=${logOutHere}>${hasFailed ? "Log out again" : "Log out"}</button>`;
}
