/** A parameter against the value of the trials. */

import { html, useMemo, useState } from "../../../vendor/ui.js";
import { PlotFrame } from "../../../components/plot/plot_frame.js";
import { buildScale, formatValue } from "../../../components/plot/scales.js";
import { formatMetric } from "../../../core/format.js";
import { suggestsLog } from "./value_axis.js";

/** @import { Scale } from "../../../components/plot/scales.js" */
/** @import { ParameterColumn, TrialRow } from "../trial_rows.js" */

const NUMBER_AXIS = "number";
const MAX_POINTS = 2000;

/**
 * @param {object} properties
 * @param {TrialRow[]} properties.rows the best first
 * @param {ParameterColumn[]} properties.columns
 * @param {string | null} properties.suggested pointer of the parameter that shows first
 * @param {Set<number> | null} properties.selected numbers of the trials that the filters let through; null is all
 * @param {string} properties.metric
 * @param {(number: number) => void} properties.onOpen
 */
export function ScatterCard({ rows, columns, suggested, selected, metric, onOpen }) {
  const [chosen, setChosen] = useState(/** @type {string | null} */ (null));
  const [logChoice, setLog] = useState(/** @type {boolean | null} */ (null));
  const pointer = chosen ?? suggested ?? columns[0]?.pointer ?? NUMBER_AXIS;
  const column = columns.find((one) => one.pointer === pointer);
  const points = useMemo(() => listPoints(rows, pointer), [rows, pointer]);
  const isLog = logChoice ?? suggestsLog(points.map((point) => point.value));
  const x = useMemo(() => buildScale(points.map((point) => point.x), { isLog: column?.isLog ?? false }), [points, column]);
  const y = useMemo(() => buildScale(points.map((point) => point.value), { isLog }), [points, isLog]);
  return html`
    <section class="card">
      <div class="plot-heading">
        <h2>Parameter and value</h2>
        <label>Parameter <select value=${pointer} onChange=${(/** @type {any} */ event) => setChosen(event.currentTarget.value)}>
          ${columns.map((one) => html`<option key=${one.pointer} value=${one.pointer}>${one.label}</option>`)}
          <option value=${NUMBER_AXIS}>number of the trial</option>
        </select></label>
        <label class="inline"><input type="checkbox" checked=${isLog} onChange=${() => setLog(!isLog)} /> Log values</label>
      </div>
      ${points.length === 0
        ? html`<p class="quiet">No trial with this parameter has a value yet.</p>`
        : html`<${PlotFrame} x=${x} y=${y} xLabel=${column?.label ?? "number of the trial"} yLabel=${metric} label=${`${metric} by ${pointer}, ${points.length} trials`}
            draw=${drawPoints({ points, x, y, selected, onOpen })} />`}
      ${points.some((point) => !point.isComplete) && html`<p class="quiet">Hollow points: held or halted trials, after fewer epochs.</p>`}
    </section>
  `;
}

/** @typedef {{number: number, x: unknown, value: number, isComplete: boolean}} Point */

/** @param {TrialRow[]} rows @param {string} pointer @returns {Point[]} the best ones, if there are too many */
function listPoints(rows, pointer) {
  const points = rows.flatMap((row) => {
    const x = pointer === NUMBER_AXIS ? row.number : row.parameters[pointer];
    if (row.value === null || x === null || x === undefined) return [];
    return [{ number: row.number, x, value: row.value, isComplete: row.state === "complete" }];
  });
  return points.slice(0, MAX_POINTS);
}

/**
 * @param {{points: Point[], x: Scale, y: Scale, selected: Set<number> | null, onOpen: (number: number) => void}} plot
 */
function drawPoints({ points, x, y, selected, onOpen }) {
  return (/** @type {{width: number, height: number}} */ { width, height }) =>
    points.toReversed().map((point) => {
      const left = x.locate(point.x);
      const top = y.locate(point.value);
      if (left === null || top === null) return null;
      const kind = `${point.isComplete ? "complete" : "hollow"}${selected && !selected.has(point.number) ? " faded" : ""}`;
      return html`
        <circle key=${point.number} class=${`point ${kind}`} cx=${left * width} cy=${(1 - top) * height} r="4" onClick=${() => onOpen(point.number)}>
          <title>Trial ${point.number}: ${formatMetric(point.value)} at ${formatValue(point.x)}</title>
        </circle>`;
    });
}
