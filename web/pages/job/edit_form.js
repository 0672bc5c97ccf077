/** A form for the name, the tags and the priority of a job. */

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
      onSave(await sendJson("PATCH", `/v1/jobs/${encodeURIComponent(job.id)}`, readChanges(fields)));
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
      `}
      <div class="job-actions">
        <button type="submit" class="primary">Save</button>
        <button type="button" onClick=${onCancel}>Cancel</button>
      </div>
      ${error && html`<${ErrorNotice} error=${error} />`}
    </form>
  `;
}

/** @param {FormData} fields */
function readChanges(fields) {
  const tags = String(fields.get("tags") ?? "").split(",").map((tag) => tag.trim());
  const priority = fields.get("priority");
  return {
    name: String(fields.get("name") ?? "").trim() || null,
    tags: [...new Set(tags.filter(Boolean))],
    ...(priority === null ? {} : { priority: Number(priority) }),
  };
}
