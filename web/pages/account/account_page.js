/** The account of the user: their limits, and their tokens. */

import { html } from "../../vendor/ui.js";
import { account } from "../../core/account.js";
import { formatBytes, formatCount } from "../../core/format.js";
import { Loading } from "../../components/feedback.js";
import { TokenList } from "./token_list.js";

/** @import { User } from "../../core/account.js" */

export function AccountPage() {
  if (account.value === null) return html`<h1>Account</h1><${Loading} label="Loading the account" />`;
  const { user, role } = account.value;
  return html`
    <h1>Account</h1>
    ${user
      ? html`<${UserCard} user=${user} /><${TokenList} canChange=${account.value.scope === "admin"} />`
      : html`<p class="notice">You are logged in with the token of the server, as ${role === "admin" ? "an admin" : "a member"} without a name. Tokens belong to users.</p>`}
  `;
}

/** @param {{user: User}} properties */
function UserCard({ user }) {
  return html`
    <section class="card account" aria-label="User">
      <h2>${user.name}</h2>
      <dl class="definitions">
        <dt>Role</dt><dd>${user.role}</dd>
        <dt>Shares</dt><dd>${user.shares}</dd>
        <dt>Running jobs at most</dt><dd>${formatLimit(user.max_running, formatCount)}</dd>
        <dt>Waiting jobs at most</dt><dd>${formatLimit(user.max_queued, formatCount)}</dd>
        <dt>Datasets and models at most</dt><dd>${formatLimit(user.max_bytes, formatBytes)}</dd>
      </dl>
    </section>
  `;
}

/** @param {number | null} limit @param {(limit: number) => string} format */
function formatLimit(limit, format) {
  return limit === null ? "no limit" : format(limit);
}
