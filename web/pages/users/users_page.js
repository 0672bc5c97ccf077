/** The users of the server, for admins: add, change and disable them. */

import { html, useState } from "../../vendor/ui.js";
import { sendJson } from "../../core/api.js";
import { ErrorNotice, Loading } from "../../components/feedback.js";
import { NewTokenNotice } from "../../components/new_token_notice.js";
import { useAction } from "../../components/use_action.js";
import { useRequest } from "../../components/use_request.js";
import { UserDialog } from "./user_dialog.js";
import { UserForm } from "./user_form.js";
import { UsersTable } from "./users_table.js";

/** @import { User } from "../../core/account.js" */
/** @import { Page } from "../../core/types.js" */

export function UsersPage() {
  const list = useRequest("/v1/users?limit=200");
  const page = /** @type {Page<User> | null} */ (list.data);
  const [created, setCreated] = useState(/** @type {{name: string, token: {token: string}} | null} */ (null));
  const [edited, setEdited] = useState(/** @type {User | null} */ (null));
  const { isBusy, error, run } = useAction();

  /** @param {User} user @param {object} changes */
  const change = (user, changes) =>
    run(async () => {
      setEdited(null);
      await sendJson("PATCH", `/v1/users/${user.id}`, changes);
      list.reload();
    });

  return html`
    <h1>Users</h1>
    ${created && html`<${NewTokenNotice} title=${`First token of ${created.name}`} token=${created.token.token} onClose=${() => setCreated(null)} />`}
    ${(error || list.error) && html`<${ErrorNotice} error=${error || list.error} />`}
    ${!page && !list.error && html`<${Loading} label="Loading users" />`}
    ${page && html`<${UsersTable} users=${page.items} isBusy=${isBusy} onEdit=${setEdited}
      onDisable=${(/** @type {User} */ user) => change(user, { disabled: user.disabled_at === null })} />`}
    ${page && html`<${UserForm} onCreated=${(/** @type {any} */ user) => { setCreated(user); list.reload(); }} />`}
    ${edited && html`<${UserDialog} user=${edited} onSave=${(/** @type {object} */ changes) => change(edited, changes)} onClose=${() => setEdited(null)} />`}
  `;
}
