/** The evaluation of a trained network: its metrics, and a confusion matrix or residuals. */

import { html } from "../../../vendor/ui.js";
import { formatCount, formatMetric } from "../../../core/format.js";
import { ConfusionMatrix } from "./confusion_matrix.js";
import { ResidualsPanel } from "./residuals_panel.js";

/** @import { Evaluation } from "../job_types.js" */

/** @param {{evaluation: Evaluation}} properties */
export function EvaluationCard({ evaluation }) {
  const { on, rows, rows_left_out: leftOut, confusion, residuals } = evaluation;
  return html`
    <section class="card">
      <h2>Evaluation <span class="quiet">on the ${on} set${rows !== null && `, ${formatCount(rows)} rows`}</span></h2>
      <dl class="figures">
        ${Object.entries(evaluation.metrics).map(([name, value]) => html`
          <div key=${name}><dt>${name}</dt><dd>${value === null ? (evaluation.nonfinite[name] ?? "–") : formatMetric(value)}</dd></div>
        `)}
      </dl>
      ${leftOut > 0 && html`<p class="notice bad">${formatCount(leftOut)} rows are left out below: the output of the network was not finite.</p>`}
      ${confusion && html`<${ConfusionMatrix} confusion=${confusion} />`}
      ${residuals?.map((one) => html`<${ResidualsPanel} key=${one.column} residuals=${one} />`)}
    </section>
  `;
}
