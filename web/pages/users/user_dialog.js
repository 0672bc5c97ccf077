/** The dialog that changes a user. */

import { html, useState } from "../../vendor/ui.js";
import { ConfirmDialog } from "../../components/confirm_dialog.js";

/** @import { User } from "../../core/account.js" */

const LIMITS = /** @type {const} */ ([
  { name: "max_running", label: "Running jobs at most" },
  { name: "max_queued", label: "Waiting jobs at most" },
  { name: "max_bytes", label: "Bytes of datasets and models at most" },
]);

/** @param {{user: User, onSave: (changes: object) => void, onClose: () => void}} properties */
export function UserDialog({ user, onSave, onClose }) {
  const [role, setRole] = useState(user.role);
  const [shares, setShares] = useState(String(user.shares));
  const [limits, setLimits] = useState(() => Object.fromEntries(LIMITS.map(({ name }) => [name, formatLimit(user[name])])));
  const save = () => onSave({ role, shares: Number(shares), ...Object.fromEntries(LIMITS.map(({ name }) => [name, parseLimit(limits[name] ?? "")])) });
  return html`
    <${ConfirmDialog} title=${`Change ${user.name}`} label="Save" onConfirm=${save} onClose=${onClose}>
      <label>Role
        <select value=${role} onChange=${(/** @type {any} */ event) => setRole(event.target.value)}><option value="member">member</option><option value="admin">admin</option></select>
      </label>
      <label>Shares
        <input type="number" min="0.01" max="1000000" step="any" required value=${shares} onInput=${(/** @type {any} */ event) => setShares(event.target.value)} />
      </label>
      ${LIMITS.map(({ name, label }) => html`
        <label key=${name}>${label}
          <input type="number" min="0" step="1" placeholder="no limit" value=${limits[name]} onInput=${(/** @type {any} */ event) => setLimits({ ...limits, [name]: event.target.value })} />
        </label>`)}
    <//>
  `;
}

/** @param {number | null} limit */
function formatLimit(limit) {
  return limit === null ? "" : String(limit);
}

/** @param {string} text @returns {number | null} null without a limit */
export function parseLimit(text) {
  return text.trim() === "" ? null : Number(text);
}
