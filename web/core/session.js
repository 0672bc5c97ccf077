/** The session of this browser, where the server has a token or users. */

import { signal } from "../vendor/ui.js";
import { getJson, sendJson } from "./api.js";

/**
 * @typedef {object} Session
 * @property {boolean} login_required
 * @property {boolean} logged_in
 * @property {boolean} has_users
 * @property {string | null} user
 * @property {"member" | "admin" | null} role
 * @property {string | null} oidc_login the address that starts a login through an identity provider
 */

/** Null until it has loaded. */
export const session = signal(/** @type {Session | null} */ (null));

/** @returns {Promise<Session>} */
export async function loadSession() {
  session.value = /** @type {Session} */ (await getJson("/v1/session"));
  return session.value;
}

/** @param {string} token of a user, or of the server */
export async function logIn(token) {
  await sendJson("POST", "/v1/session", { token });
}

export async function logOut() {
  await sendJson("DELETE", "/v1/session");
}

/**
 * Return the address that the login leads to: the query's `next`, if it belongs to this site, or else the jobs.
 * @param {string} search of the login page
 * @param {string} origin of the login page
 * @returns {string} a URL with the origin, because a path such as `//example.org` would lead elsewhere
 */
export function resolveNextUrl(search, origin) {
  const next = new URLSearchParams(search).get("next") ?? "/jobs";
  const url = URL.canParse(next, origin) ? new URL(next, origin) : null;
  return url && url.origin === origin && url.pathname !== "/login" ? url.href : `${origin}/jobs`;
}
