/** One trial in full: its jobs, its values at the rungs and over repeats, and why it ended. */

import { html } from "../../../vendor/ui.js";
import { ErrorNotice, Loading } from "../../../components/feedback.js";
import { JobStateLabel } from "../../../components/job_state.js";
import { useRequest } from "../../../components/use_request.js";
import { formatDuration, formatMetric } from "../../../core/format.js";
import { describeDifference } from "./interval.js";

/** @import { Sweep, Trial } from "../../../core/sweep_types.js" */
/** @import { TrialRow } from "../trial_rows.js" */

/** @param {{sweep: Sweep, row: TrialRow}} properties */
export function TrialDetails({ sweep, row }) {
  // State and epochs in the query load the trial again when they change.
  const request = useRequest(`/v1/sweeps/${sweep.id}/trials/${row.number}?state=${row.state}&epochs=${row.epochs}`);
  const trial = /** @type {Trial | null} */ (request.data);
  if (request.error) return html`<${ErrorNotice} error=${request.error} onRetry=${request.reload} />`;
  if (!trial) return html`<${Loading} label="Loading the trial" />`;
  const { reason, reports, jobs } = trial;
  return html`
    <div class="trial-details">
      ${reason && html`<p>${reason.message}</p>`}
      ${reason && reason.errors.length > 0 && html`<ul>${reason.errors.map((fault) => html`<li><code>${fault.pointer}</code> ${fault.message}</li>`)}</ul>`}
      ${row.difference && html`<p>Difference to the best trial: ${describeDifference(row.difference)}.</p>`}
      ${reports.length > 1 && html`<p>Values at the rungs: ${reports.map(({ epoch, value }) => `${formatMetric(value)} after ${epoch}`).join(", ")} epochs.</p>`}
      ${trial.repeat_values.length > 1 && html`<p>Values of the repeats: ${trial.repeat_values.map(formatMetric).join(", ")}.</p>`}
      <dl class="parameters">
        ${Object.entries(trial.parameters).map(([pointer, value]) => html`<dt><code>${pointer}</code></dt><dd><code>${JSON.stringify(value)}</code></dd>`)}
      </dl>
      <ul class="plain">
        ${jobs.map((job) => html`
          <li key=${job.id}><${JobStateLabel} state=${job.state} /> <a href=${`/jobs/${job.id}`}>${jobs.length > 1 ? `repeat ${job.repeat}` : "job"} ${job.id.slice(-6)}</a> <span class="quiet">epoch ${job.epochs_done} of ${job.epochs}</span></li>`)}
      </ul>
      <p class="quiet">${formatDuration(trial.seconds)} of training.</p>
    </div>
  `;
}
