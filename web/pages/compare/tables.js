/** The tables of a comparison: the last and best values of each metric, and the places at which the specs differ. */

import { html } from "../../vendor/ui.js";
import { JobStateLabel } from "../../components/job_state.js";
import { formatMetric } from "../../core/format.js";
import { chooseLineStyle, getJobLabel } from "./series.js";

/** @import { JobSummary } from "../../core/types.js" */
/** @import { Comparison, Difference } from "./comparison_types.js" */

const MAX_VALUE_LENGTH = 60;

/**
 * @param {{comparison: Comparison, metric: string, onRemove: (id: string) => void}} properties
 */
export function JobsTable({ comparison, metric, onRemove }) {
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label="Values of the jobs">
      <table class="compared">
        <thead>
          <tr><th>Job</th><th>State</th><th class="number">Best ${metric}</th><th class="number">at epoch</th><th class="number">Last</th><th><span class="visually-hidden">Actions</span></th></tr>
        </thead>
        <tbody>${comparison.jobs.map((job, index) => html`<${JobRow} key=${job.id} job=${job} index=${index} metric=${metric} onRemove=${onRemove} />`)}</tbody>
      </table>
    </div>
  `;
}

/** @param {{job: JobSummary, index: number, metric: string, onRemove: (id: string) => void}} properties */
function JobRow({ job, index, metric, onRemove }) {
  const values = job.metrics[metric];
  const epoch = values?.best_epoch;
  return html`
    <tr>
      <td><i class="line-mark" style=${{ background: `var(${chooseLineStyle(index).color})` }} aria-hidden="true"></i> <a href=${`/jobs/${job.id}`}>${getJobLabel(job)}</a></td>
      <td><${JobStateLabel} state=${job.state} /></td>
      <td class="number">${formatMetric(values?.best)}</td>
      <td class="number quiet">${epoch === null || epoch === undefined ? "–" : epoch + 1}</td>
      <td class="number quiet">${formatMetric(values?.last)}</td>
      <td><button type="button" aria-label=${`Remove ${getJobLabel(job)} from the comparison`} onClick=${() => onRemove(job.id)}>Remove</button></td>
    </tr>
  `;
}

/** @param {{jobs: JobSummary[], differences: Difference[]}} properties */
export function DifferencesTable({ jobs, differences }) {
  if (differences.length === 0) return html`<p class="quiet">The specs are equal.</p>`;
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label="Differences of the specs">
      <table class="compared">
        <thead><tr><th>Place in the spec</th>${jobs.map((job) => html`<th>${getJobLabel(job)}</th>`)}</tr></thead>
        <tbody>
          ${differences.map(
            ({ pointer, values }) => html`
              <tr key=${pointer}>
                <th scope="row"><code>${pointer || "/"}</code></th>
                ${values.map((value) => html`<td><code title=${JSON.stringify(value)}>${formatValue(value)}</code></td>`)}
              </tr>
            `,
          )}
        </tbody>
      </table>
    </div>
  `;
}

/** @param {unknown} value @returns {string} */
function formatValue(value) {
  if (value === null) return "–";
  if (typeof value === "object" && "type" in value) return String(value.type);
  const text = typeof value === "string" ? value : JSON.stringify(value);
  return text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH)}…` : text;
}
