/** The form that adds a user. */

import { html } from "../../vendor/ui.js";
import { sendJson } from "../../core/api.js";
import { ErrorNotice } from "../../components/feedback.js";
import { useAction } from "../../components/use_action.js";

/** @param {{onCreated: (user: object) => void}} properties */
export function UserForm({ onCreated }) {
  const { isBusy, error, run } = useAction();
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    const fields = new FormData(form);
    run(async () => {
      onCreated(await sendJson("POST", "/v1/users", { name: String(fields.get("name")).trim(), role: fields.get("role") }));
      form.reset();
    });
  };
  return html`
    <form class="inline-form card" onSubmit=${submit} aria-label="New user">
      <label>Name <input name="name" required maxlength="100" autocomplete="off" placeholder="ada" /></label>
      <label>Role <select name="role"><option value="member">member</option><option value="admin">admin</option></select></label>
      <button class="primary" disabled=${isBusy}>Add user</button>
      <span class="quiet">Members begin as editors of the default project.</span>
    </form>
    ${error && html`<${ErrorNotice} error=${error} />`}
  `;
}
