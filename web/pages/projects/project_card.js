/** A project with its members; owners and admins add, change and remove them. */

import { html, useState } from "../../vendor/ui.js";
import { account, isAdmin } from "../../core/account.js";
import { sendJson } from "../../core/api.js";
import { ConfirmDialog } from "../../components/confirm_dialog.js";
import { ErrorNotice, Loading } from "../../components/feedback.js";
import { useAction } from "../../components/use_action.js";
import { useRequest } from "../../components/use_request.js";

/** @import { Project, ProjectRole } from "../../core/account.js" */

/**
 * @typedef {{user_id: string, name: string, role: ProjectRole}} Member
 * @typedef {Project & {members: Member[]}} ProjectDetails
 */

/** @type {ProjectRole[]} */
const ROLES = ["viewer", "editor", "owner"];
const DEFAULT_NAME = "default";

/** @param {{project: Project, onChanged: () => Promise<void>}} properties */
export function ProjectCard({ project, onChanged }) {
  const path = `/v1/projects/${project.id}`;
  const request = useRequest(path);
  const details = /** @type {ProjectDetails | null} */ (request.data);
  const [isDeleting, setDeleting] = useState(false);
  const { isBusy, error, run } = useAction();
  const canChange = account.value?.scope === "admin" && (isAdmin.value || project.role === "owner");

  /** @param {"PUT" | "DELETE"} method @param {string} user @param {ProjectRole} [role] */
  const changeMember = (method, user, role) =>
    run(async () => {
      await sendJson(method, `${path}/members/${encodeURIComponent(user)}`, role && { role });
      request.reload();
      if (user === account.value?.user?.name) await onChanged();
    });
  const deleteProject = () =>
    run(async () => {
      setDeleting(false);
      await sendJson("DELETE", path);
      await onChanged();
    });

  return html`
    <section class="card" aria-label=${`Project ${project.name}`}>
      <div class="heading">
        <h2>${project.name} ${project.role && html`<span class="tag">you: ${project.role}</span>`}</h2>
        ${canChange && project.name !== DEFAULT_NAME && html`<button type="button" class="danger" disabled=${isBusy} onClick=${() => setDeleting(true)}>Delete</button>`}
      </div>
      ${(error || request.error) && html`<${ErrorNotice} error=${error || request.error} />`}
      ${!details && !request.error && html`<${Loading} label="Loading members" />`}
      ${details?.members.length === 0 && html`<p class="quiet">No members; admins see it.</p>`}
      ${details && details.members.length > 0 && html`
        <table class="members">
          <thead><tr><th>Member</th><th>Role</th><th><span class="visually-hidden">Actions</span></th></tr></thead>
          <tbody>${details.members.map((member) => html`
            <${MemberRow} key=${member.user_id} member=${member} canChange=${canChange} isBusy=${isBusy}
              onRole=${(/** @type {ProjectRole} */ role) => changeMember("PUT", member.name, role)}
              onRemove=${() => changeMember("DELETE", member.name)} />`)}</tbody>
        </table>`}
      ${canChange && html`<${MemberForm} project=${project.name} isBusy=${isBusy} onAdd=${(/** @type {string} */ name, /** @type {ProjectRole} */ role) => changeMember("PUT", name, role)} />`}
    </section>
    ${isDeleting && html`
      <${ConfirmDialog} title=${`Delete the project ${project.name}?`} label="Delete" onConfirm=${deleteProject} onClose=${() => setDeleting(false)}>
        <p>Only a project without jobs, datasets and sweeps can be deleted.</p>
      <//>`}
  `;
}

/** @param {{member: Member, canChange: boolean, isBusy: boolean, onRole: (role: ProjectRole) => void, onRemove: () => void}} properties */
function MemberRow({ member, canChange, isBusy, onRole, onRemove }) {
  return html`
    <tr>
      <td class="name">${member.name}</td>
      <td>${canChange
        ? html`<select aria-label=${`Role of ${member.name}`} value=${member.role} disabled=${isBusy} onChange=${(/** @type {any} */ event) => onRole(event.target.value)}>
            ${ROLES.map((role) => html`<option value=${role}>${role}</option>`)}
          </select>`
        : member.role}</td>
      <td class="row-actions">${canChange && html`<button type="button" class="danger" disabled=${isBusy} aria-label=${`Remove ${member.name}`} onClick=${onRemove}>Remove</button>`}</td>
    </tr>
  `;
}

/** @param {{project: string, isBusy: boolean, onAdd: (name: string, role: ProjectRole) => Promise<void>}} properties */
function MemberForm({ project, isBusy, onAdd }) {
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    const fields = new FormData(form);
    onAdd(String(fields.get("name")).trim(), /** @type {ProjectRole} */ (fields.get("role"))).then(() => form.reset());
  };
  return html`
    <form class="inline-form" onSubmit=${submit} aria-label=${`New member of ${project}`}>
      <label>User <input name="name" required maxlength="100" autocomplete="off" /></label>
      <label>Role <select name="role">${ROLES.map((role) => html`<option value=${role} selected=${role === "editor"}>${role}</option>`)}</select></label>
      <button disabled=${isBusy}>Add member</button>
    </form>
  `;
}
