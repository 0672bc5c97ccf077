/** The choice of whose objects a list shows: all or those of the user, and of which project. */

import { html } from "../vendor/ui.js";
import { account, isTeam } from "../core/account.js";
import { setQuery } from "../core/router.js";

/** @typedef {{owner: string, project: string}} OwnershipQuery `owner` is empty, `me` or a name; `project` a name */

/** @param {URLSearchParams} parameters of the address @returns {OwnershipQuery} */
export function parseOwnership(parameters) {
  return { owner: parameters.get("owner") ?? "", project: parameters.get("project") ?? "" };
}

/** @param {OwnershipQuery} properties */
export function OwnershipFilter({ owner, project }) {
  if (!isTeam.value || account.value === null) return null;
  const { user, projects } = account.value;
  const isOther = owner !== "" && owner !== "me";
  return html`
    <div class="chips" role="group" aria-label="Owner">
      ${user && html`
        <button type="button" class="chip" aria-pressed=${owner === "me"} onClick=${() => setQuery({ owner: owner === "me" ? null : "me" })}>Mine</button>`}
      ${isOther && html`
        <button type="button" class="chip" aria-pressed="true" aria-label=${`Remove the filter: owner ${owner}`} onClick=${() => setQuery({ owner: null })}>owner: ${owner} ×</button>`}
    </div>
    ${projects.length > 1 && html`
      <label>Project <select value=${project} onChange=${(/** @type {any} */ event) => setQuery({ project: event.target.value })}>
        <option value="">all</option>
        ${projects.map(({ id, name }) => html`<option key=${id} value=${name}>${name}</option>`)}
      </select></label>`}
  `;
}

/** The owner of an object, and its project if the list may show several. @param {{owner: string | null, project: string}} properties */
export function OwnerCell({ owner, project }) {
  const hasProjects = (account.value?.projects.length ?? 0) > 1;
  return html`<td class="column-owner">
    ${owner === null
      ? html`<span class="quiet">–</span>`
      : html`<button type="button" class="link" title=${`Show only those of ${owner}`} onClick=${() => setQuery({ owner })}>${owner}</button>`}
    ${hasProjects && html` <span class="tag">${project}</span>`}
  </td>`;
}
