/** The projects of the user, with their members. */

import { html } from "../../vendor/ui.js";
import { account, isAdmin, loadAccount } from "../../core/account.js";
import { sendJson } from "../../core/api.js";
import { ErrorNotice, Loading } from "../../components/feedback.js";
import { useAction } from "../../components/use_action.js";
import { ProjectCard } from "./project_card.js";

export function ProjectsPage() {
  if (account.value === null) return html`<h1>Projects</h1><${Loading} label="Loading projects" />`;
  return html`
    <h1>Projects</h1>
    <p class="quiet">Members of a project see its jobs, datasets and sweeps; editors change them; owners choose the members.</p>
    ${account.value.projects.map((project) => html`<${ProjectCard} key=${project.id} project=${project} onChanged=${loadAccount} />`)}
    ${isAdmin.value && html`<${ProjectForm} />`}
  `;
}

function ProjectForm() {
  const { isBusy, error, run } = useAction();
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    run(async () => {
      await sendJson("POST", "/v1/projects", { name: String(new FormData(form).get("name")).trim() });
      form.reset();
      await loadAccount();
    });
  };
  return html`
    <form class="inline-form" onSubmit=${submit} aria-label="New project">
      <label>New project <input name="name" required maxlength="100" placeholder="vision" /></label>
      <button class="primary" disabled=${isBusy}>Add project</button>
    </form>
    ${error && html`<${ErrorNotice} error=${error} />`}
  `;
}
