/** The buttons of a job. */

import { html, useState } from "../../vendor/ui.js";
import { ErrorNotice } from "../../components/feedback.js";
import { canEdit } from "../../core/account.js";
import { navigate } from "../../core/router.js";
import { canTrainFurther, listActions, runAction } from "./actions.js";
import { EditForm } from "./edit_form.js";
import { TrainFurtherForm } from "./train_further_form.js";

/** @import { Action } from "./actions.js" */
/** @import { JobDetails } from "./job_types.js" */

/** @param {{job: JobDetails, onChange: (job: JobDetails) => void}} properties */
export function ActionBar({ job, onChange }) {
  const [pending, setPending] = useState(/** @type {Action | null} */ (null));
  const [isBusy, setBusy] = useState(false);
  const [openForm, setOpenForm] = useState(/** @type {"edit" | "further" | null} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));

  const mayChange = canEdit(job.project);
  const toggleForm = (/** @type {"edit" | "further"} */ form) => setOpenForm(openForm === form ? null : form);
  const show = (/** @type {JobDetails} */ changed) => {
    if (changed.id !== job.id) navigate(`/jobs/${changed.id}`);
    else onChange(changed);
  };
  const run = async (/** @type {Action} */ action) => {
    setPending(null);
    setError(null);
    setBusy(true);
    try {
      const changed = await runAction(job.id, action.name);
      if (changed) show(changed);
      else navigate("/jobs");
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  const save = (/** @type {JobDetails} */ changed) => {
    setOpenForm(null);
    show(changed);
  };
  return html`
    <div class="job-actions" role="group" aria-label="Actions">
      <a class="button" href=${`/new?from=${job.id}`}>Edit and submit</a>
      <a class="button" href=${`/compare?job=${job.id}`}>Compare</a>
      <a class="button" href=${`/sweeps/new?from=${job.id}`} title="Train this spec many times with other values">Vary this</a>
      ${mayChange && html`<button type="button" aria-expanded=${openForm === "edit"} onClick=${() => toggleForm("edit")}>Rename, tag</button>`}
      ${mayChange && canTrainFurther(job) && html`
        <button type="button" aria-expanded=${openForm === "further"} onClick=${() => toggleForm("further")}>Train further</button>
      `}
      ${mayChange && listActions(job).map((action) => html`
        <button type="button" key=${action.name} disabled=${isBusy} class=${action.confirmation ? "danger" : ""}
          onClick=${() => (action.confirmation ? setPending(action) : run(action))}>${action.label}</button>
      `)}
    </div>
    ${pending && html`<${Confirmation} action=${pending} onConfirm=${() => run(pending)} onCancel=${() => setPending(null)} />`}
    ${openForm === "edit" && html`<${EditForm} job=${job} onSave=${save} onCancel=${() => setOpenForm(null)} />`}
    ${openForm === "further" && canTrainFurther(job) && html`<${TrainFurtherForm} job=${job} onSave=${save} onCancel=${() => setOpenForm(null)} />`}
    ${error && html`<${ErrorNotice} error=${error} />`}
  `;
}

/** @param {{action: Action, onConfirm: () => void, onCancel: () => void}} properties */
function Confirmation({ action, onConfirm, onCancel }) {
  return html`
    <div class="notice bad confirmation" role="alertdialog" aria-label=${action.confirmation}
      onKeyDown=${(/** @type {KeyboardEvent} */ event) => event.key === "Escape" && onCancel()}>
      <span>${action.confirmation}</span>
      <button type="button" class="danger" ref=${(/** @type {HTMLElement | null} */ button) => button?.focus()} onClick=${onConfirm}>
        ${action.label} the job
      </button>
      <button type="button" onClick=${onCancel}>Keep it</button>
    </div>
  `;
}
