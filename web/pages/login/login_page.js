/** The login: it exchanges a token for a session, and goes on to the page that required it. */

import { html, useEffect, useState } from "../../vendor/ui.js";
import { loadSession, logIn, resolveNextUrl, session } from "../../core/session.js";
import { ErrorNotice } from "../../components/feedback.js";

export function LoginPage() {
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const [isSending, setIsSending] = useState(false);
  useEffect(() => {
    loadSession().then(({ login_required, logged_in }) => (logged_in || !login_required) && openNextPage(), setError);
  }, []);

  /** @param {SubmitEvent} event */
  const submit = async (event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    setIsSending(true);
    try {
      await logIn(String(new FormData(form).get("token")));
      openNextPage();
    } catch (reason) {
      setError(reason);
      setIsSending(false);
      /** @type {HTMLInputElement | null} */ (form.querySelector("#token"))?.select();
    }
  };

  const isRefused = new URLSearchParams(window.location.search).has("reason");
  const oidcLogin = buildOidcLogin(session.value?.oidc_login ?? null, window.location.search);
  return html`
    <form class="login card" onSubmit=${submit}>
      <h1>Log in</h1>
      ${isRefused && html`<p class="notice bad" role="alert">The login with your organization was refused. Try again, or log in with a token.</p>`}
      <p class="quiet" id="token-hint">
        ${session.value?.has_users
          ? "With your own token: an admin of this server gave it to you, or you created it."
          : html`This server has a token. Its operator set it as <code>STACKYARD_TOKEN</code>.`}
      </p>
      <input type="text" name="username" autocomplete="username" value="stackyard" readonly hidden />
      <label for="token">Token</label>
      <input
        id="token"
        name="token"
        type="password"
        autocomplete="current-password"
        aria-describedby="token-hint"
        required
        autofocus
      />
      ${error !== null && html`<${ErrorNotice} error=${error} />`}
      <button class="primary" disabled=${isSending}>${isSending ? "Logging in…" : "Log in"}</button>
      ${oidcLogin && html`<p>or <a class="button" href=${oidcLogin}>Log in with your organization</a></p>`}
    </form>
  `;
}

/**
 * Return the address of the login through the identity provider, which comes back to the page that required it.
 * @param {string | null} address
 * @param {string} search of the login page
 */
export function buildOidcLogin(address, search) {
  const next = new URLSearchParams(search).get("next");
  return address && next ? `${address}?next=${encodeURIComponent(next)}` : address;
}

/** The whole page loads anew, because the address may be `/docs` or a picture. */
function openNextPage() {
  window.location.replace(resolveNextUrl(window.location.search, window.location.origin));
}
