/** Predictions as a table, with the scores of the classes. */

import { html } from "../../../vendor/ui.js";
import { formatMetric } from "../../../core/format.js";

/**
 * @typedef {object} Predictions
 * @property {string[]} target
 * @property {(boolean | number | string)[] | null} classes
 * @property {any[]} predictions
 * @property {(number | null)[][] | null} scores
 * @property {Record<string, string>} nonfinite
 * @property {import("../../../core/types.js").Fault[]} unknown
 */

const MAX_ROWS = 100;

/** @param {{result: Predictions}} properties */
export function PredictionResult({ result }) {
  const classes = result.classes ?? [];
  return html`
    <div role="status">
      <div class="scroll" tabindex="0" role="region" aria-label="Predictions">
        <table class="compact">
          <thead><tr>
            <th>${result.target.join(", ") || "Prediction"}</th>
            ${classes.map((name) => html`<th class="number" key=${String(name)}>${String(name)}</th>`)}
          </tr></thead>
          <tbody>
            ${result.predictions.slice(0, MAX_ROWS).map((prediction, row) => html`
              <tr key=${row}>
                <td><b>${describePrediction(prediction)}</b></td>
                ${classes.map((_, index) => html`<${Score} key=${index} score=${result.scores?.[row]?.[index] ?? null} />`)}
              </tr>
            `)}
          </tbody>
        </table>
      </div>
    </div>
    ${result.predictions.length > MAX_ROWS && html`<p class="quiet">The first ${MAX_ROWS} of ${result.predictions.length} rows.</p>`}
  `;
}

/** @param {{score: number | null}} properties */
function Score({ score }) {
  const background = `color-mix(in srgb, var(--accent) ${Math.round(Math.min(1, Math.max(0, score ?? 0)) * 35)}%, transparent)`;
  return html`<td class="number" style=${{ background }}>${score === null ? "–" : `${Number((100 * score).toPrecision(3))}%`}</td>`;
}

/** @param {any} prediction */
function describePrediction(prediction) {
  if (prediction === null) return "not finite";
  if (typeof prediction === "number") return Number.isInteger(prediction) ? String(prediction) : formatMetric(prediction);
  if (typeof prediction !== "object") return String(prediction);
  if (Array.isArray(prediction)) return JSON.stringify(prediction);
  return Object.entries(prediction).map(([name, value]) => `${name} ${value === null ? "not finite" : formatMetric(/** @type {number} */ (value))}`).join(", ");
}
