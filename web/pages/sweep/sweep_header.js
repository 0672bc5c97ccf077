/** The head of the page: name, state, method, objective, and how far the sweep is. */

import { html } from "../../vendor/ui.js";
import { RelativeTime } from "../../components/relative_time.js";
import { SweepStateLabel } from "../../components/sweep_state.js";
import { formatCount, formatDuration } from "../../core/format.js";
import { TrialProgress } from "../sweeps/sweeps_table.js";

/** @import { Sweep } from "../../core/sweep_types.js" */

/** @param {{sweep: Sweep}} properties */
export function SweepHeader({ sweep }) {
  const { objective } = sweep;
  return html`
    <header class="job-header">
      <h1>${sweep.name || `Sweep ${sweep.id.slice(0, 8)}`} ${sweep.tags.map((tag) => html`<span class="tag" key=${tag}>${tag}</span>`)}</h1>
      <p class="job-facts">
        <${SweepStateLabel} state=${sweep.state} />
        <span><${TrialProgress} sweep=${sweep} /> trials</span>
        <span>${sweep.method}</span>
        <span>${objective.mode === "min" ? "least" : "greatest"} ${objective.metric}, ${objective.at} epoch</span>
        <a href=${`/jobs?sweep=${sweep.id}`}>its jobs</a>
        ${sweep.owner && html`<a href=${`/sweeps?owner=${encodeURIComponent(sweep.owner)}`} title="Show their sweeps">${sweep.owner}, project ${sweep.project}</a>`}
        <span>submitted <${RelativeTime} time=${sweep.created_at} /></span>
      </p>
      <${EndNotice} sweep=${sweep} />
    </header>
  `;
}

/** Why the sweep ended, or is about to. @param {{sweep: Sweep}} properties */
function EndNotice({ sweep }) {
  const reason = sweep.ending ?? sweep.reason;
  if (!reason) return null;
  const isBad = sweep.state === "failed";
  return html`
    <p class=${`notice ${isBad ? "bad" : ""}`} role=${isBad ? "alert" : undefined}>
      ${sweep.ending ? "The sweep ends when its running trials have ended. " : ""}${reason.message}
    </p>
  `;
}

/** What the sweep has cost, and what its budget allows. @param {{sweep: Sweep, cost: {trials: number, jobs: number, epochs: number, seconds: number}}} properties */
export function CostCard({ sweep, cost }) {
  const { budget } = sweep;
  /** @param {number | null} bound @param {(bound: number) => string} format */
  const limit = (bound, format) => bound !== null && html`<span class="quiet"> of ${format(bound)}</span>`;
  return html`
    <section class="card">
      <h2>Cost</h2>
      <dl class="definitions">
        <dt>Trials</dt><dd>${formatCount(cost.trials)}${limit(budget.trials, formatCount)}</dd>
        <dt>Jobs</dt><dd><a href=${`/jobs?sweep=${sweep.id}`}>${formatCount(cost.jobs)}</a></dd>
        <dt>Epochs</dt><dd>${formatCount(cost.epochs)}${limit(budget.epochs, formatCount)}</dd>
        <dt>Training time</dt><dd>${formatDuration(cost.seconds)}${limit(budget.seconds, formatDuration)}</dd>
        <dt>At once</dt><dd>${sweep.max_concurrent === null ? "without a bound" : `${sweep.max_concurrent} trials`}</dd>
        <dt>Priority</dt><dd>${sweep.priority}</dd>
      </dl>
    </section>
  `;
}
