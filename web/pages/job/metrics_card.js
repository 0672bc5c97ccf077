/** Best and last values of the metrics. */

import { html } from "../../vendor/ui.js";
import { formatMetric } from "../../core/format.js";

/** @import { JobDetails } from "./job_types.js" */

/** @param {{job: JobDetails}} properties */
export function MetricsCard({ job }) {
  const rows = Object.entries(job.metrics).filter(([name]) => name !== "learning_rate"); // no value of it is the best
  if (rows.length === 0) return null;
  return html`
    <section class="card">
      <h2>Metrics</h2>
      <table class="compact">
        <thead><tr><th>Metric</th><th class="number">Best</th><th class="number">Epoch</th><th class="number">Last</th></tr></thead>
        <tbody>
          ${rows.map(([name, { best, best_epoch: epoch, last }]) => html`
            <tr key=${name}>
              <td>${name}</td>
              <td class="number"><b>${formatMetric(best)}</b></td>
              <td class="number quiet">${epoch === null ? "–" : epoch + 1}</td>
              <td class="number">${formatMetric(last)}</td>
            </tr>
          `)}
        </tbody>
      </table>
    </section>
  `;
}
