/** The table of users. */

import { html } from "../../vendor/ui.js";
import { account } from "../../core/account.js";
import { formatBytes, formatCount } from "../../core/format.js";
import { RelativeTime } from "../../components/relative_time.js";

/** @import { User } from "../../core/account.js" */

/** @param {{users: User[], isBusy: boolean, onEdit: (user: User) => void, onDisable: (user: User) => void}} properties */
export function UsersTable({ users, isBusy, onEdit, onDisable }) {
  return html`
    <div class="scroll"><table class="users">
      <thead><tr>
        <th>Name</th><th>Role</th><th class="number">Shares</th><th class="number wide">Running ≤</th>
        <th class="number wide">Waiting ≤</th><th class="number wide">Bytes ≤</th><th class="wide">Added</th><th><span class="visually-hidden">Actions</span></th>
      </tr></thead>
      <tbody>${users.map((user) => html`<${UserRow} key=${user.id} user=${user} isBusy=${isBusy} onEdit=${() => onEdit(user)} onDisable=${() => onDisable(user)} />`)}</tbody>
    </table></div>
  `;
}

/** @param {{user: User, isBusy: boolean, onEdit: () => void, onDisable: () => void}} properties */
function UserRow({ user, isBusy, onEdit, onDisable }) {
  const isOwn = user.id === account.value?.user?.id;
  return html`
    <tr class=${user.disabled_at ? "quiet" : ""}>
      <td class="name"><a href=${`/jobs?owner=${encodeURIComponent(user.name)}`} title="Show their jobs">${user.name}</a>${user.disabled_at && html`<span class="tag">disabled</span>`}</td>
      <td>${user.role}</td>
      <td class="number">${user.shares}</td>
      <td class="number wide">${user.max_running === null ? "–" : formatCount(user.max_running)}</td>
      <td class="number wide">${user.max_queued === null ? "–" : formatCount(user.max_queued)}</td>
      <td class="number wide">${user.max_bytes === null ? "–" : formatBytes(user.max_bytes)}</td>
      <td class="wide"><${RelativeTime} time=${user.created_at} /></td>
      <td class="row-actions">
        <button type="button" disabled=${isBusy} aria-label=${`Change ${user.name}`} onClick=${onEdit}>Change</button>
        ${!isOwn && html`<button type="button" class=${user.disabled_at ? "" : "danger"} disabled=${isBusy} aria-label=${`${user.disabled_at ? "Enable" : "Disable"} ${user.name}`} onClick=${onDisable}>${user.disabled_at ? "Enable" : "Disable"}</button>`}
      </td>
    </tr>
  `;
}
