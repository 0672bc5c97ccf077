/** The head of the page: name, state, progress, device, and why the job waits or has failed. */

import { html } from "../../vendor/ui.js";
import { JobStateLabel } from "../../components/job_state.js";
import { RelativeTime } from "../../components/relative_time.js";
import { formatCount, formatDuration } from "../../core/format.js";

/** @import { JobDetails } from "./job_types.js" */

/** @param {{job: JobDetails}} properties */
export function JobHeader({ job }) {
  return html`
    <header class="job-header">
      <h1>${job.name || `Job ${job.id.slice(0, 8)}`} ${job.tags.map((tag) => html`<a class="tag" key=${tag} href=${`/jobs?tag=${encodeURIComponent(tag)}`}>${tag}</a>`)}</h1>
      <p class="job-facts">
        <${JobStateLabel} state=${job.state} />
        <${Progress} job=${job} />
        ${job.cancel_requested && job.state === "running" && html`<span>stops soon</span>`}
        ${job.pause_requested && job.state === "running" && html`<span>pauses after the next checkpoint</span>`}
        <${Place} job=${job} />
        <${DatasetLink} dataset=${job.dataset} />
        ${!job.finished_at && job.until_epoch !== null && job.until_epoch < job.progress.epochs && html`<span>pauses after epoch ${formatCount(job.until_epoch)}</span>`}
        ${job.continued_from && html`<a href=${`/jobs/${job.continued_from}`}>continues ${job.continued_from.slice(0, 8)}</a>`}
        ${job.sweep && html`<span><a href=${`/sweeps/${job.sweep.id}?trial=${job.sweep.trial}`}>trial ${job.sweep.trial} of sweep ${job.sweep.id.slice(0, 8)}</a>${job.sweep.repeat > 0 && `, repeat ${job.sweep.repeat}`}</span>`}
        ${job.retry_of && html`<a href=${`/jobs/${job.retry_of}`}>retry of ${job.retry_of.slice(0, 8)}</a>`}
        ${job.owner && html`<a href=${`/jobs?owner=${encodeURIComponent(job.owner)}`} title="Show their jobs">${job.owner}, project ${job.project}</a>`}
        <span>submitted <${RelativeTime} time=${job.created_at} /></span>
      </p>
    </header>
  `;
}

/** @param {{job: JobDetails}} properties */
function Progress({ job }) {
  const { epochs_done: done, epochs, seconds_left: left } = job.progress;
  if (job.state === "queued" && done === 0) return html`<span>${formatCount(epochs)} epochs</span>`;
  return html`
    <span class="job-progress">
      ${!job.finished_at && html`<span class="progress" role="progressbar" aria-label="Progress" aria-valuemin="0" aria-valuemax=${epochs} aria-valuenow=${done}>
        <b style=${{ width: `${(100 * done) / epochs}%` }}></b>
      </span>`}
      epoch ${formatCount(done)} of ${formatCount(epochs)}
    </span>
    ${left !== null && left >= 1 && html`<span>about ${formatDuration(left)} left</span>`}
    ${job.started_at && job.finished_at && html`<span>took ${formatDuration((Date.parse(job.finished_at) - Date.parse(job.started_at)) / 1000)}</span>`}
  `;
}

/** @param {{job: JobDetails}} properties */
function Place({ job }) {
  if (!job.worker) return html`<span>queue ${job.queue}</span>`;
  return html`<span>on ${job.ran_on?.device ?? job.queue}, worker ${job.worker}</span>`;
}

/** @param {{dataset: JobDetails["dataset"]}} properties */
function DatasetLink({ dataset }) {
  const label = `${dataset.name}, version ${dataset.version}`;
  return dataset.id ? html`<a href=${`/datasets/${dataset.id}`}>${label}</a>` : html`<span>${label}, deleted</span>`;
}
