/** A form for the name, the tags, the priority and the next pause of a job. */

import { html, useState } from "../../vendor/ui.js";
import { ErrorNotice } from "../../components/feedback.js";
import { sendJson } from "../../core/api.js";

/** @import { JobDetails } from "./job_types.js" */

/** @param {{job: JobDetails, onSave: (job: JobDetails) => void, onCancel: () => void}} properties */
export function EditForm({ job, onSave, onCancel }) {
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const fields = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    try {
      onSave(await sendJson("PATCH", `/v1/jobs/${encodeURIComponent(job.id)}`, readChanges(fields, job)));
    } catch (failure) {
      setError(failure);
    }
  };
  return html`
    <form class="card edit-form" onSubmit=${submit}>
      <label>Name <input name="name" defaultValue=${job.name ?? ""} maxlength="200" /></label>
      <label>Tags, separated by commas <input name="tags" defaultValue=${job.tags.join(", ")} /></label>
      ${job.finished_at === null && html`
        <label>Priority, 0 to 9 <input name="priority" type="number" min="0" max="9" required defaultValue=${job.priority} /></label>
        <label>Pause after epoch <input name="until_epoch" type="number" min="1" max=${job.progress.epochs} placeholder="never" defaultValue=${job.until_epoch ?? ""} /></label>
      `}
      <div class="job-actions">
        <button type="submit" class="primary">Save</button>
        <button type="button" onClick=${onCancel}>Cancel</button>
      </div>
      ${error && html`<${ErrorNotice} error=${error} />`}
    </form>
  `;
}

/** Return the changes; `until_epoch` only if it is new, because null queues a paused job again. @param {FormData} fields @param {JobDetails} job */
function readChanges(fields, job) {
  const tags = String(fields.get("tags") ?? "").split(",").map((tag) => tag.trim());
  const priority = fields.get("priority");
  const untilEpoch = Number(fields.get("until_epoch")) || null;
  return {
    name: String(fields.get("name") ?? "").trim() || null,
    tags: [...new Set(tags.filter(Boolean))],
    ...(priority === null ? {} : { priority: Number(priority) }),
    ...(priority === null || untilEpoch === job.until_epoch ? {} : { until_epoch: untilEpoch }),
  };
}
