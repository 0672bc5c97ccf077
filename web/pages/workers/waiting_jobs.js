/** The jobs that wait, per queue, in the order in which workers take them, and why each waits. */

import { html } from "../../vendor/ui.js";
import { RelativeTime } from "../../components/relative_time.js";
import { groupByQueue } from "./workers_data.js";

/** @import { JobSummary } from "../../core/types.js" */

/** @param {{jobs: JobSummary[], hasMore: boolean}} properties */
export function WaitingJobs({ jobs, hasMore }) {
  if (jobs.length === 0) return html`<p class="quiet">No job waits.</p>`;
  return html`
    ${groupByQueue(jobs).map(([queue, waiting]) => html`<${Queue} key=${queue} queue=${queue} jobs=${waiting} />`)}
    ${hasMore &&
    html`<p class="quiet">These are the ${jobs.length} newest. <a href="/jobs?state=queued">Show all waiting jobs</a></p>`}
  `;
}

/** @param {{queue: string, jobs: JobSummary[]}} properties */
function Queue({ queue, jobs }) {
  return html`
    <h3>Queue ${queue} <span class="quiet">${jobs.length}</span></h3>
    <div class="scrollable" tabindex="0" role="region" aria-label=${`Jobs that wait in the queue ${queue}`}>
      <table class="waiting-jobs">
        <thead>
          <tr>
            <th scope="col">Position</th>
            <th scope="col">Job</th>
            <th scope="col">Why it waits</th>
            <th scope="col">Priority</th>
            <th scope="col">Starts</th>
            <th scope="col">Submitted</th>
          </tr>
        </thead>
        <tbody>
          ${jobs.map((job) => html`<${WaitingJob} key=${job.id} job=${job} />`)}
        </tbody>
      </table>
    </div>
  `;
}

/** @param {{job: JobSummary}} properties */
function WaitingJob({ job }) {
  return html`
    <tr>
      <td class="number">${job.queue_position === null ? "–" : job.queue_position + 1}</td>
      <td><a href=${`/jobs/${job.id}`}>${job.name ?? job.id.slice(0, 8)}</a></td>
      <td>${job.waiting?.message ?? "–"}</td>
      <td class="number">${job.priority}</td>
      <td><${RelativeTime} time=${job.estimated_start} /></td>
      <td><${RelativeTime} time=${job.created_at} /></td>
    </tr>
  `;
}
