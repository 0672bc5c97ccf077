/** The tokens and sessions of the user: create, rotate and revoke them. */

import { html, useState } from "../../vendor/ui.js";
import { account } from "../../core/account.js";
import { sendJson } from "../../core/api.js";
import { ConfirmDialog } from "../../components/confirm_dialog.js";
import { ErrorNotice, Loading } from "../../components/feedback.js";
import { NewTokenNotice } from "../../components/new_token_notice.js";
import { RelativeTime, now } from "../../components/relative_time.js";
import { useAction } from "../../components/use_action.js";
import { useRequest } from "../../components/use_request.js";
import { TokenForm } from "./token_form.js";

/** @import { Page } from "../../core/types.js" */
/** @import { NewToken, Token } from "./token_types.js" */

const ROTATION_OVERLAP_S = 86_400;

/** @param {{canChange: boolean}} properties whether the session permits changes */
export function TokenList({ canChange }) {
  const list = useRequest("/v1/tokens?limit=200");
  const page = /** @type {Page<Token> | null} */ (list.data);
  const [created, setCreated] = useState(/** @type {NewToken | null} */ (null));
  const [revoked, setRevoked] = useState(/** @type {Token | null} */ (null));
  const { isBusy, error, run } = useAction();
  const tokens = page?.items.filter((token) => isValid(token)) ?? [];

  /** @param {Token} token */
  const rotate = (token) =>
    run(async () => {
      setCreated(await sendJson("POST", `/v1/tokens/${token.id}/rotate`, { overlap_s: ROTATION_OVERLAP_S }));
      list.reload();
    });
  const revoke = () =>
    run(async () => {
      const token = /** @type {Token} */ (revoked);
      setRevoked(null);
      await sendJson("DELETE", `/v1/tokens/${token.id}`);
      list.reload();
    });

  return html`
    <section class="card" aria-label="Tokens">
      <h2>Tokens and sessions</h2>
      ${created && html`<${NewTokenNotice} title=${`Token “${created.name}”`} token=${created.token} onClose=${() => setCreated(null)} />`}
      ${(error || list.error) && html`<${ErrorNotice} error=${error || list.error} />`}
      ${!page && !list.error && html`<${Loading} label="Loading tokens" />`}
      ${tokens.length > 0 && html`
        <div class="scroll"><table class="tokens">
          <thead><tr><th>Name</th><th>Token</th><th>Permits</th><th class="wide">Project</th><th class="wide">Last used</th><th class="wide">Expires</th><th><span class="visually-hidden">Actions</span></th></tr></thead>
          <tbody>${tokens.map((token) => html`<${TokenRow} key=${token.id} token=${token} isBusy=${isBusy || !canChange} onRotate=${() => rotate(token)} onRevoke=${() => setRevoked(token)} />`)}</tbody>
        </table></div>`}
      ${canChange
        ? html`<${TokenForm} onCreated=${(/** @type {NewToken} */ token) => { setCreated(token); list.reload(); }} />`
        : html`<p class="quiet">You logged in with a token that permits no change of tokens.</p>`}
    </section>
    ${revoked && html`
      <${ConfirmDialog} title=${`Revoke “${revoked.name}”?`} label="Revoke" onConfirm=${revoke} onClose=${() => setRevoked(null)}>
        <p>Programs and browsers that use it are refused at once.</p>
      <//>`}
  `;
}

/** @param {{token: Token, isBusy: boolean, onRotate: () => void, onRevoke: () => void}} properties */
function TokenRow({ token, isBusy, onRotate, onRevoke }) {
  const project = account.value?.projects.find(({ id }) => id === token.project_id);
  return html`
    <tr>
      <td class="name">${token.name}</td>
      <td><code>${token.prefix}…</code></td>
      <td>${token.scope}</td>
      <td class="wide">${token.project_id === null ? "all" : (project?.name ?? token.project_id.slice(0, 8))}</td>
      <td class="wide">${token.last_used_at ? html`<${RelativeTime} time=${token.last_used_at} />` : html`<span class="quiet">never</span>`}</td>
      <td class="wide">${token.expires_at ? html`<${RelativeTime} time=${token.expires_at} />` : html`<span class="quiet">never</span>`}</td>
      <td class="row-actions">
        ${token.kind === "personal" && html`<button type="button" disabled=${isBusy} title="A new token replaces it; this one stays valid for a day" onClick=${onRotate}>Rotate</button>`}
        <button type="button" class="danger" disabled=${isBusy} onClick=${onRevoke}>${token.kind === "personal" ? "Revoke" : "End"}</button>
      </td>
    </tr>
  `;
}

/** @param {Token} token */
function isValid({ revoked_at, expires_at }) {
  return revoked_at === null && (expires_at === null || Date.parse(expires_at) > now.value);
}
