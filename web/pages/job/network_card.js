/** The layers of the network, with shapes and parameters, and the warnings of the check. */

import { html, useEffect, useState } from "../../vendor/ui.js";
import { sendJson } from "../../core/api.js";
import { formatBytes, formatCount } from "../../core/format.js";
import { describeLayer, formatShape, removeDefaults } from "./layer_text.js";

/** @import { Advice, CheckReport, JobDetails } from "./job_types.js" */

/** @param {{job: JobDetails}} properties */
export function NetworkCard({ job }) {
  const report = useCheckReport(job);
  const layers = job.spec.network?.layers ?? [];
  const warnings = report?.warnings ?? job.warnings;
  return html`
    <section class="card">
      <h2>Network ${report && html`<span class="quiet">${formatCount(report.totals.parameters)} parameters, about ${formatBytes(report.memory.total_bytes)}</span>`}</h2>
      <ol class="layer-stack">
        ${report && html`<li class="layer-input"><span>Input</span><span class="layer-shape">${formatShape(report.input_shape)}</span></li>`}
        ${layers.map((/** @type {any} */ layer, /** @type {number} */ index) => html`<${Layer} key=${index} layer=${layer} facts=${report?.layers.find((one) => one.index === index)} />`)}
      </ol>
      ${report && html`<p class="quiet">${formatCount(report.rows.train)} rows to train, ${formatCount(report.rows.validation)} to validate, ${formatCount(report.rows.test)} to test</p>`}
      ${warnings.length > 0 && html`<${Warnings} warnings=${warnings} />`}
    </section>
  `;
}

/** @param {{layer: any, facts: CheckReport["layers"][0] | undefined}} properties */
function Layer({ layer, facts }) {
  const frozen = facts ? facts.parameters - facts.trainable_parameters : 0;
  return html`
    <li>
      <details>
        <summary>
          <span>${describeLayer(layer)}</span>
          ${facts && html`
            <span class="layer-shape" title=${frozen ? `${formatCount(frozen)} of the parameters are not trained` : undefined}>
              ${formatShape(facts.output_shape)}${facts.parameters > 0 && ` · ${formatCount(facts.parameters)}`}
            </span>`}
        </summary>
        <pre tabindex="0">${JSON.stringify(removeDefaults(layer), null, 2)}</pre>
      </details>
    </li>
  `;
}

/** @param {{warnings: Advice[]}} properties */
function Warnings({ warnings }) {
  return html`
    <ul class="warnings" aria-label="Warnings">
      ${warnings.map((warning) => html`
        <li key=${warning.pointer + warning.code}><code>${warning.pointer || "/"}</code> ${warning.message}${warning.fix && html`<br /><span class="quiet">${warning.fix}</span>`}</li>
      `)}
    </ul>
  `;
}

/**
 * Check the spec of the job again with the dataset that it used. There is no report where the dataset was deleted.
 * @param {JobDetails} job
 * @returns {CheckReport | null}
 */
function useCheckReport(job) {
  const [report, setReport] = useState(/** @type {CheckReport | null} */ (null));
  useEffect(() => {
    const aborter = new AbortController();
    const spec = job.dataset.id ? { ...job.spec, data: { ...job.spec.data, dataset: job.dataset.id } } : job.spec;
    sendJson("POST", "/v1/specs/check", spec, aborter.signal).then(
      (checked) => setReport(/** @type {CheckReport} */ (checked)),
      () => setReport(null),
    );
    return () => aborter.abort();
  }, [job.id]);
  return report;
}
