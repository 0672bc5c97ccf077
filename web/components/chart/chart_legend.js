/** The legend of a chart: its lines, and their values at the epoch under the cursor or at the end. */

import { html } from "../../vendor/ui.js";
import { formatMetric } from "../../core/format.js";
import { findBestPoint } from "./markers.js";
import { findPosition, parseValue } from "./points.js";

/** @import { CurveSeries } from "./points.js" */

/**
 * @param {{series: CurveSeries[], epoch: number | null, hidden: Set<string>, onToggle: (name: string) => void}} properties
 *   `epoch` counts from 1
 */
export function ChartLegend({ series, epoch, hidden, onToggle }) {
  return html`
    <div class="chart-legend">
      <span class="chart-epoch quiet">${epoch === null ? "Last" : `Epoch ${epoch}`}</span>
      ${series.map(
        (one) => html`
          <button type="button" key=${one.name} class="chart-key" aria-pressed=${!hidden.has(one.name)}
            title=${hidden.has(one.name) ? "Show this line" : "Hide this line"} onClick=${() => onToggle(one.name)}>
            <${LineSample} color=${one.color} dash=${one.dash} />
            <span>${one.name}</span> <b>${describeValue(one, epoch)}</b>
            ${epoch === null && html`<${BestValue} series=${one} />`}
          </button>
        `,
      )}
    </div>
  `;
}

/**
 * Return the value of a series at an epoch, or its last value.
 * @param {CurveSeries} series
 * @param {number | null} epoch from 1
 */
export function describeValue(series, epoch) {
  const position = epoch === null ? series.epochs.length - 1 : findPosition(series.epochs, epoch - 1);
  const value = parseValue(series.values[position]);
  if (value === null || (epoch !== null && isOutside(series.epochs, epoch - 1))) return "–";
  return Number.isFinite(value) ? formatMetric(value) : String(value).replace("Infinity", "∞");
}

/** @param {number[]} epochs @param {number} epoch */
function isOutside(epochs, epoch) {
  return epoch < /** @type {number} */ (epochs[0]) || epoch > /** @type {number} */ (epochs[epochs.length - 1]);
}

/** @param {{series: CurveSeries}} properties */
function BestValue({ series }) {
  const best = findBestPoint(series);
  return best && html`<span class="quiet">best ${formatMetric(best.value)} at ${best.epoch}</span>`;
}

/** @param {{color: string, dash?: number[] | undefined}} properties */
function LineSample({ color, dash = [] }) {
  return html`
    <svg width="22" height="8" aria-hidden="true">
      <line x1="0" y1="4" x2="22" y2="4" stroke-width="2" stroke-dasharray=${dash.join(" ")} style=${{ stroke: `var(${color})` }} />
    </svg>
  `;
}
