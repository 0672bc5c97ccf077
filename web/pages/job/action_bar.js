/** The buttons of a job. */

import { html, useState } from "../../vendor/ui.js";
import { ErrorNotice } from "../../components/feedback.js";
import { navigate } from "../../core/router.js";
import { listActions, runAction } from "./actions.js";
import { EditForm } from "./edit_form.js";

/** @import { Action } from "./actions.js" */
/** @import { JobDetails } from "./job_types.js" */

/** @param {{job: JobDetails, onChange: (job: JobDetails) => void}} properties */
export function ActionBar({ job, onChange }) {
  const [pending, setPending] = useState(/** @type {Action | null} */ (null));
  const [isBusy, setBusy] = useState(false);
  const [isEditing, setEditing] = useState(false);
  const [error, setError] = useState(/** @type {unknown} */ (null));

  const run = async (/** @type {Action} */ action) => {
    setPending(null);
    setError(null);
    setBusy(true);
    try {
      const changed = await runAction(job.id, action.name);
      if (!changed) navigate("/jobs");
      else if (changed.id !== job.id) navigate(`/jobs/${changed.id}`);
      else onChange(changed);
    } catch (failure) {
      setError(failure);
    } finally {
      setBusy(false);
    }
  };
  const save = (/** @type {JobDetails} */ changed) => {
    setEditing(false);
    onChange(changed);
  };
  return html`
    <div class="job-actions" role="group" aria-label="Actions">
      <a class="button" href=${`/new?from=${job.id}`}>Edit and submit</a>
      <a class="button" href=${`/compare?job=${job.id}`}>Compare</a>
      <button type="button" aria-expanded=${isEditing} onClick=${() => setEditing(!isEditing)}>Rename, tag</button>
      ${listActions(job).map((action) => html`
        <button type="button" key=${action.name} disabled=${isBusy} class=${action.confirmation ? "danger" : ""}
          onClick=${() => (action.confirmation ? setPending(action) : run(action))}>${action.label}</button>
      `)}
    </div>
    ${pending && html`<${Confirmation} action=${pending} onConfirm=${() => run(pending)} onCancel=${() => setPending(null)} />`}
    ${isEditing && html`<${EditForm} job=${job} onSave=${save} onCancel=${() => setEditing(false)} />`}
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
