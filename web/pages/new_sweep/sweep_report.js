/** The report of the check beside the form: how much the sweep runs, and what is wrong with it. */

import { html } from "../../vendor/ui.js";
import { ErrorNotice, Loading } from "../../components/feedback.js";
import { formatCount, formatDuration } from "../../core/format.js";
import { FaultItem } from "./field.js";

/** @import { Fault } from "../../core/types.js" */
/** @import { FaultContext } from "./field.js" */
/** @import { SweepCheck, SweepReport } from "./sweep_check.js" */

/** @param {{check: SweepCheck | null, isCurrent: boolean, context: FaultContext}} properties */
export function SweepReportView({ check, isCurrent, context }) {
  if (!check) return html`<${Loading} label="Checking" />`;
  const other = context.groups.get("") ?? [];
  return html`
    <section class=${isCurrent ? "check" : "check outdated"} aria-label="Check of the sweep">
      <p class="verdict" role="status"><${Verdict} check=${check} /></p>
      ${Boolean(check.error) && html`<${ErrorNotice} error=${check.error} />`}
      ${other.length > 0 && html`<${FaultList} faults=${other} label="Errors" context=${context} />`}
      ${check.report && html`<${ReportDetails} report=${check.report} context=${context} />`}
    </section>
  `;
}

/** @param {{check: SweepCheck}} properties */
function Verdict({ check: { report, faults } }) {
  if (report) return html`<span class="state good"><i aria-hidden="true"></i><span>The sweep is valid</span></span>`;
  if (faults.length === 0) return html`<span class="quiet">The sweep is not checked</span>`;
  return html`<span class="state bad"><i aria-hidden="true"></i><span>${faults.length === 1 ? "1 error" : `${faults.length} errors`}</span></span>`;
}

/** @param {{faults: Fault[], label: string, context: FaultContext}} properties */
function FaultList({ faults, label, context }) {
  return html`<ul class="faults" aria-label=${label}>${faults.map((fault) => html`<${FaultItem} fault=${fault} onApply=${context.onApply} showsPointer />`)}</ul>`;
}

/** @param {{report: SweepReport, context: FaultContext}} properties */
function ReportDetails({ report, context }) {
  const { plan, samples, duration, objective } = report;
  const count = (/** @type {number | null} */ number) => (number === null ? "no bound" : formatCount(number));
  return html`
    ${report.warnings.length > 0 && html`<h2>Warnings</h2><${FaultList} faults=${report.warnings} label="Warnings" context=${context} />`}
    <dl class="definitions">
      <dt>Objective</dt><dd>${objective.mode === "min" ? "least" : "greatest"} ${objective.metric}, ${objective.at} epoch</dd>
      <dt>Parameters</dt><dd>${formatCount(report.dimensions)}</dd>
      ${report.grid_size !== null && html`<dt>Combinations</dt><dd>${formatCount(report.grid_size)}</dd>`}
      <dt>Trials</dt><dd>${count(plan.trials)}</dd>
      <dt>Jobs</dt><dd>${count(plan.jobs)}</dd>
      <dt>Epochs</dt><dd>${plan.epochs === null ? "no bound" : `about ${formatCount(plan.epochs)}`}</dd>
      <dt>Duration</dt><dd>${describeDuration(duration)}</dd>
      <dt>Architectures</dt><dd>${formatCount(report.architectures)} among ${formatCount(samples.count)} samples</dd>
      <dt>Invalid samples</dt><dd>${samples.invalid === 0 ? "none" : `${formatCount(samples.invalid)} of ${formatCount(samples.count)}`}</dd>
    </dl>
    ${samples.errors.length > 0 && html`
      <h2>Errors of samples</h2>
      <${FaultList} faults=${samples.errors.map(({ fault, count: times }) => ({ ...fault, message: `${fault.message} (${times} of ${samples.count} samples)` }))} label="Errors of samples" context=${context} />`}
    ${plan.rungs.length > 0 && html`<${RungTable} rungs=${plan.rungs} />`}
  `;
}

/** @param {{rungs: {epoch: number, trials: number}[]}} properties */
function RungTable({ rungs }) {
  return html`
    <h2>Rungs</h2>
    <table class="compact">
      <thead><tr><th class="number">After epoch</th><th class="number">About trials</th></tr></thead>
      <tbody>${rungs.map(({ epoch, trials }) => html`<tr key=${epoch}><td class="number">${formatCount(epoch)}</td><td class="number">${trials === 0 ? "–" : formatCount(trials)}</td></tr>`)}</tbody>
    </table>
  `;
}

/** @param {SweepReport["duration"]} duration */
function describeDuration(duration) {
  if (!duration) return "unknown until a job of this kind has run";
  const known = duration.known_share < 1 ? ` (from ${Math.round(100 * duration.known_share)} % of the architectures)` : "";
  return `${formatDuration(duration.elapsed_s ?? duration.training_s)}${duration.elapsed_s === null ? " of training" : ""}${known}`;
}
