/** The report of the check beside the editor: errors with their fixes, or shapes, sizes and warnings. */

import { html } from "../../vendor/ui.js";
import { ErrorNotice, Loading } from "../../components/feedback.js";
import { formatBytes, formatCount } from "../../core/format.js";

/** @import { Fault, PatchOperation } from "../../core/types.js" */
/** @import { CheckReport, CheckResult } from "./spec_check.js" */

/**
 * @typedef {object} FaultActions
 * @property {(pointer: string) => void} onReveal
 * @property {(patch: PatchOperation[]) => void} onApply
 */

/** @param {{result: CheckResult | null, isCurrent: boolean} & FaultActions} properties */
export function CheckReportView({ result, isCurrent, ...actions }) {
  if (!result) return html`<${Loading} label="Checking" />`;
  return html`
    <section class=${isCurrent ? "check" : "check outdated"} aria-label="Check of the spec">
      <p class="verdict" role="status">${describeVerdict(result)}</p>
      ${Boolean(result.error) && html`<${ErrorNotice} error=${result.error} />`}
      ${result.faults.length > 0 && html`<${FaultList} faults=${result.faults} label="Errors" ...${actions} />`}
      ${result.report && html`<${ReportDetails} report=${result.report} ...${actions} />`}
    </section>
  `;
}

/** @param {CheckResult} result @returns {any} */
function describeVerdict({ report, faults }) {
  if (report) return html`<span class="state good"><i aria-hidden="true"></i><span>The spec is valid</span></span>`;
  if (faults.length === 0) return html`<span class="quiet">The spec is not checked</span>`;
  const count = faults.length === 1 ? "1 error" : `${faults.length} errors`;
  return html`<span class="state bad"><i aria-hidden="true"></i><span>${count}</span></span>`;
}

/** @param {{faults: Fault[], label: string} & FaultActions} properties */
function FaultList({ faults, label, onReveal, onApply }) {
  return html`
    <ul class="faults" aria-label=${label}>
      ${faults.map((fault) => {
        const { patch, fix } = fault;
        return html`<li>
          <button type="button" class="pointer" onClick=${() => onReveal(fault.pointer)} title="Go to this place">
            ${fault.pointer || "/"}
          </button>
          <p>${fault.message}</p>
          ${fix &&
          html`<p class="fix">
            ${fix}
            ${patch && html`<button type="button" onClick=${() => onApply(patch)}>Apply the fix</button>`}
          </p>`}
        </li>`;
      })}
    </ul>
  `;
}

/** @param {{report: CheckReport} & FaultActions} properties */
function ReportDetails({ report, ...actions }) {
  const { totals, rows, memory, flops, task, dataset } = report;
  const parts = Object.entries(rows).map(([name, count]) => `${name} ${count === null ? "?" : formatCount(count)}`);
  return html`
    ${report.warnings.length > 0 &&
    html`<h2>Warnings</h2>
      <${FaultList} faults=${report.warnings} label="Warnings" ...${actions} />`}
    <dl class="definitions">
      <dt>Dataset</dt>
      <dd><a href=${`/datasets/${dataset.id}`}>${dataset.name}</a>, version ${dataset.version}</dd>
      <dt>Task</dt>
      <dd>${task.kind}${task.classes ? `, ${task.classes.length} classes` : ""}</dd>
      <dt>Rows</dt>
      <dd>${parts.join(", ")}</dd>
      <dt>Parameters</dt>
      <dd>${formatCount(totals.parameters)}, trainable ${formatCount(totals.trainable_parameters)}</dd>
      <dt>Memory</dt>
      <dd>${formatBytes(memory.total_bytes)} while training</dd>
      <dt>Backend</dt>
      <dd>${report.backend.name}: ${report.backend.reason}</dd>
      <dt>Steps per epoch</dt>
      <dd>${report.steps_per_epoch === null ? "–" : formatCount(report.steps_per_epoch)}</dd>
      <dt>Operations per epoch</dt>
      <dd>${flops.epoch === null ? "–" : formatOperations(flops.epoch)}</dd>
    </dl>
    <${LayerTable} report=${report} />
  `;
}

/** @param {{report: CheckReport}} properties */
function LayerTable({ report }) {
  return html`
    <table class="layers">
      <caption class="visually-hidden">Layers</caption>
      <thead>
        <tr><th>Layer</th><th>Output shape</th><th class="number">Parameters</th></tr>
      </thead>
      <tbody>
        <tr><td class="quiet">Input</td><td class="shape">${formatShape(report.input_shape)}</td><td class="number">–</td></tr>
        ${report.layers.map(
          (layer) => html`<tr>
            <td title=${layer.name}>${layer.type}</td>
            <td class="shape">${formatShape(layer.output_shape)}</td>
            <td class="number">${formatCount(layer.parameters)}</td>
          </tr>`,
        )}
      </tbody>
    </table>
  `;
}

/** @param {number[]} shape @returns {string} */
function formatShape(shape) {
  return shape.join(" × ") || "1";
}

/** @param {number} count @returns {string} */
function formatOperations(count) {
  const exponent = Math.min(4, Math.floor(Math.log10(Math.max(count, 1)) / 3));
  return `${Number((count / 1000 ** exponent).toPrecision(3))} ${["FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP"][exponent]}`;
}
