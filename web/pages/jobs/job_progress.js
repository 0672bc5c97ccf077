/** How far a job is, why it waits, or how it ended: one line of a table. */

import { html } from "../../vendor/ui.js";
import { formatDuration, formatExactTime, formatRelativeTime } from "../../core/format.js";
import { now } from "../../components/relative_time.js";

/** @import { JobSummary } from "../../core/types.js" */

/** @param {{job: JobSummary}} properties */
export function JobProgress({ job }) {
  if (job.state === "running") return html`<${RunningProgress} job=${job} />`;
  if (job.state === "queued" || job.state === "paused") return html`<${WaitingReason} job=${job} />`;
  if (job.reason && job.state !== "succeeded") return html`<${Sentence} text=${job.reason.message} />`;
  return html`<span class="quiet">${formatEpochs(job)}</span>`;
}

/** @param {{job: JobSummary}} properties */
function RunningProgress({ job }) {
  const { epochs_done, epochs, seconds_left } = job.progress;
  const percent = epochs > 0 ? Math.min(100, (100 * epochs_done) / epochs) : 0;
  const request = job.cancel_requested ? "cancelling" : job.pause_requested ? "pausing" : null;
  const end = seconds_left === null ? null : new Date(now.value + seconds_left * 1000).toISOString();
  return html`
    <span class="progress" role="progressbar" aria-label="Epochs" aria-valuemin="0" aria-valuemax=${epochs} aria-valuenow=${epochs_done}>
      <b style=${{ width: `${percent}%` }}></b>
    </span>
    <span class="epochs">${epochs_done}/${epochs}</span>
    ${request
      ? html` <span class="quiet">${request}…</span>`
      : end && html` <span class="quiet" title=${`Ends about ${formatExactTime(end)}`}>${formatDuration(seconds_left ?? 0)} left</span>`}
  `;
}

/** @param {{job: JobSummary}} properties */
function WaitingReason({ job }) {
  const start = job.estimated_start;
  return html`
    ${start && html`<span title=${formatExactTime(start)}>Starts ${formatRelativeTime(start, Math.min(now.value, Date.parse(start)))}</span>${" "}`}
    ${job.waiting && html`<${Sentence} text=${job.waiting.message} />`}
    ${job.progress.epochs_done > 0 && html` <span class="quiet">${formatEpochs(job)}</span>`}
  `;
}

/** @param {{text: string}} properties */
function Sentence({ text }) {
  return html`<span class="quiet sentence" title=${text}>${text}</span>`;
}

/** @param {JobSummary} job */
function formatEpochs({ progress }) {
  return progress.epochs_done === progress.epochs ? `${progress.epochs} epochs` : `${progress.epochs_done}/${progress.epochs}`;
}

/** The time from start to end, or to now. @param {{job: JobSummary}} properties */
export function JobDuration({ job }) {
  if (!job.started_at || (!job.finished_at && job.state !== "running")) return html`<span class="quiet">–</span>`;
  const end = job.finished_at ? Date.parse(job.finished_at) : now.value;
  return html`${formatDuration(Math.max(0, end - Date.parse(job.started_at)) / 1000)}`;
}
