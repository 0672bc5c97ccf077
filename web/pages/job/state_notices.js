/** Why a job waits, and why it failed or diverged. */

import { html } from "../../vendor/ui.js";
import { JobStateLabel } from "../../components/job_state.js";
import { RelativeTime } from "../../components/relative_time.js";
import { formatBytes } from "../../core/format.js";

/** @import { JobDetails } from "./job_types.js" */

const MAX_AHEAD = 5;

/** @param {{job: JobDetails}} properties */
export function WaitingNotice({ job }) {
  if (!job.waiting) return null;
  return html`
    <section class="notice waiting-notice">
      <p><b>${job.waiting.message}</b>
        ${job.waiting.since && html` The last worker was seen <${RelativeTime} time=${job.waiting.since} />.`}</p>
      ${job.state === "queued" && html`
        <p>
          ${job.queue_position !== null && `${describePosition(job.queue_position)} `}
          ${job.estimated_start ? html`It should start <${RelativeTime} time=${job.estimated_start} />.` : "The start cannot be predicted yet."}
        </p>`}
      ${job.before && job.before.length > 0 && html`<${JobsAhead} jobs=${job.before} />`}
      ${Boolean(job.hidden_before) && html`<p class="quiet">${job.hidden_before} of the jobs ahead belong to projects that you do not see.</p>`}
    </section>
  `;
}

/** @param {{jobs: NonNullable<JobDetails["before"]>}} properties */
function JobsAhead({ jobs }) {
  const hidden = jobs.length - MAX_AHEAD;
  return html`
    <ul class="jobs-ahead" aria-label="Jobs ahead">
      ${jobs.slice(0, MAX_AHEAD).map((job) => html`
        <li key=${job.id}><${JobStateLabel} state=${job.state} /> <a href=${`/jobs/${job.id}`}>${job.name || job.id.slice(0, 8)}</a></li>
      `)}
      ${hidden > 0 && html`<li class="quiet">and ${hidden} more</li>`}
    </ul>
  `;
}

/** @param {{job: JobDetails}} properties */
export function ReasonNotice({ job }) {
  const reason = job.reason;
  if (!reason) return null;
  const isFault = job.state === "failed" || job.state === "diverged";
  const memory = /** @type {{peak_memory?: number | null, estimate?: number | null, error_id?: string | null}} */ (reason);
  return html`
    <section class=${`notice ${isFault ? "bad" : ""}`} role=${isFault ? "alert" : undefined}>
      <p><b>${reason.message}</b></p>
      ${reason.hint && html`<p>${reason.hint}</p>`}
      ${memory.peak_memory && html`<p>It used ${formatBytes(memory.peak_memory)} of memory${memory.estimate ? `; the check estimated ${formatBytes(memory.estimate)}` : ""}.</p>`}
      ${memory.error_id && html`<p>The worker's log has the details as error <code>${memory.error_id}</code>.</p>`}
      ${isFault && html`<p><a href=${`/new?from=${job.id}`}>Edit the spec and submit it again</a></p>`}
    </section>
  `;
}

/** @param {number} position from 0 */
function describePosition(position) {
  return position === 0 ? "It is the next in the queue." : `${position} ${position === 1 ? "job waits" : "jobs wait"} before it.`;
}
