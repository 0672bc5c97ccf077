/** The table of sweeps. */

import { html } from "../../vendor/ui.js";
import { OwnerCell } from "../../components/ownership_filter.js";
import { RelativeTime } from "../../components/relative_time.js";
import { SweepStateLabel } from "../../components/sweep_state.js";
import { isTeam } from "../../core/account.js";
import { formatCount, formatDuration, formatMetric } from "../../core/format.js";

/** @import { SweepSummary } from "../../core/sweep_types.js" */

/** @param {{sweeps: SweepSummary[]}} properties */
export function SweepsTable({ sweeps }) {
  return html`
    <table class="sweeps">
      <caption class="visually-hidden">Sweeps, newest first</caption>
      <thead>
        <tr>
          <th class="column-state">State</th><th class="column-name">Name</th>${isTeam.value && html`<th class="column-owner">Owner</th>`}<th class="column-method">Method</th>
          <th class="column-objective">Objective</th><th class="column-trials">Trials</th><th class="number column-best">Best</th>
          <th class="column-started">Started</th><th class="number column-cost" title="Epochs and seconds of all trainings">Cost</th>
        </tr>
      </thead>
      <tbody>${sweeps.map((sweep) => html`<${SweepRow} key=${sweep.id} sweep=${sweep} />`)}</tbody>
    </table>
  `;
}

/** @param {{sweep: SweepSummary}} properties */
function SweepRow({ sweep }) {
  const { objective, budget, best } = sweep;
  return html`
    <tr>
      <td class="column-state"><${SweepStateLabel} state=${sweep.state} /></td>
      <td class="column-name">
        <a href=${`/sweeps/${sweep.id}`} class=${sweep.name ? "" : "unnamed"}>${sweep.name ?? sweep.id.slice(0, 8)}</a>
        ${sweep.tags.map((tag) => html`<span class="tag" key=${tag}>${tag}</span>`)}
      </td>
      ${isTeam.value && html`<${OwnerCell} owner=${sweep.owner} project=${sweep.project} />`}
      <td class="column-method">${sweep.method}</td>
      <td class="column-objective" title=${`${objective.at} value of ${objective.metric}, ${objective.mode === "min" ? "less" : "more"} is better`}>
        ${objective.metric} <span aria-hidden="true">${objective.mode === "min" ? "↓" : "↑"}</span>
      </td>
      <td class="column-trials"><${TrialProgress} sweep=${sweep} /></td>
      <td class="number column-best" title=${best ? `Trial ${best.trial}` : undefined}>${formatMetric(best?.value)}</td>
      <td class="column-started"><${RelativeTime} time=${sweep.created_at} /></td>
      <td class="number column-cost">${formatCount(budget.used_epochs)} ep · ${formatDuration(budget.used_seconds)}</td>
    </tr>
  `;
}

/** How many trials have ended, of how many. @param {{sweep: SweepSummary}} properties */
export function TrialProgress({ sweep }) {
  const { ended, total } = countTrials(sweep);
  const problems = /** @type {const} */ (["diverged", "failed", "invalid"]).filter((state) => sweep.counts[state] > 0);
  return html`
    ${total !== null && sweep.finished_at === null && html`
      <span class="progress" role="progressbar" aria-label="Trials" aria-valuemin="0" aria-valuemax=${total} aria-valuenow=${ended}>
        <b style=${{ width: `${total > 0 ? Math.min(100, (100 * ended) / total) : 0}%` }}></b>
      </span>`}
    <span class="epochs">${formatCount(ended)}${total === null ? "" : ` of ${formatCount(total)}`}</span>
    ${problems.length > 0 && html` <span class="quiet">· ${problems.map((state) => `${sweep.counts[state]} ${state}`).join(", ")}</span>`}
  `;
}

/**
 * Count the trials that have ended, and those of the whole sweep: null if nothing bounds them.
 * @param {SweepSummary} sweep
 */
export function countTrials({ counts, budget, finished_at, method }) {
  const ended = counts.complete + counts.halted + counts.diverged + counts.failed;
  const started = Object.values(counts).reduce((sum, count) => sum + count, 0) - counts.invalid;
  const isListed = method === "grid" || method === "list"; // all trials are known from the start
  return { ended, total: finished_at === null ? (budget.trials ?? (isListed ? started : null)) : started };
}
