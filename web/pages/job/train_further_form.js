/** A form that trains a job further: one that has paused at its `until_epoch`, or, in a new job, one that succeeded. */

import { html, useState } from "../../vendor/ui.js";
import { ErrorNotice } from "../../components/feedback.js";
import { sendJson } from "../../core/api.js";
import { formatCount } from "../../core/format.js";
import { isHeld } from "./actions.js";

/** @import { JobDetails } from "./job_types.js" */

const ADDED_EPOCHS = 20;

/** @param {{job: JobDetails, onSave: (job: JobDetails) => void, onCancel: () => void}} properties */
export function TrainFurtherForm({ job, onSave, onCancel }) {
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const [isBusy, setBusy] = useState(false);
  const { epochs_done: done, epochs } = job.progress;
  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const fields = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    setBusy(true);
    try {
      onSave(await trainFurther(job, Number(fields.get("epochs"))));
    } catch (failure) {
      setError(failure);
      setBusy(false);
    }
  };
  const suggested = isHeld(job) ? Math.min(2 * done, epochs) : done + ADDED_EPOCHS;
  return html`
    <form class="card edit-form" aria-label="Train further" onSubmit=${submit}>
      <label>${isHeld(job) ? `Train up to epoch, of ${formatCount(epochs)}` : `Epochs in all, after the ${formatCount(done)} so far`}
        <input name="epochs" type="number" required min=${done + 1} max=${isHeld(job) ? epochs : undefined} defaultValue=${suggested} />
      </label>
      ${!isHeld(job) && html`<p class="quiet">A new job goes on from the end of this one. Its history and its model equal those of one long training.</p>`}
      <div class="job-actions">
        <button type="submit" class="primary" disabled=${isBusy}>Train</button>
        <button type="button" onClick=${onCancel}>Cancel</button>
      </div>
      ${error && html`<${ErrorNotice} error=${error} />`}
    </form>
  `;
}

/** @param {JobDetails} job @param {number} epochs in all @returns {Promise<JobDetails>} the job, or the new one */
function trainFurther(job, epochs) {
  const path = `/v1/jobs/${encodeURIComponent(job.id)}`;
  if (isHeld(job)) return sendJson("POST", `${path}/resume`, { until_epoch: epochs });
  return sendJson("POST", `${path}/continue`, { epochs });
}
