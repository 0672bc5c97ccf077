/** The best value so far, over complete trials or over time. */

import { html, useMemo, useState } from "../../../vendor/ui.js";
import { PlotFrame } from "../../../components/plot/plot_frame.js";
import { buildNumberScale } from "../../../components/plot/scales.js";
import { now } from "../../../components/relative_time.js";
import { formatDuration, formatMetric } from "../../../core/format.js";
import { suggestsLog } from "./value_axis.js";

/** @import { Improvement, Sweep } from "../../../core/sweep_types.js" */
/** @import { Scale } from "../../../components/plot/scales.js" */

/** @typedef {{x: number, value: number, number: number}} Step */

/** @param {{sweep: Sweep, improvements: Improvement[]}} properties */
export function ProgressCard({ sweep, improvements }) {
  const [isOverTime, setOverTime] = useState(false);
  const end = sweep.finished_at ? Date.parse(sweep.finished_at) : now.value;
  const start = Date.parse(sweep.created_at);
  const last = isOverTime ? Math.max(1, (end - start) / 1000) : Math.max(1, sweep.counts.complete);
  const steps = useMemo(() => listSteps(improvements, isOverTime ? start : null), [improvements, isOverTime]);
  const x = useMemo(() => buildPositionScale(last, isOverTime), [last, isOverTime]);
  const y = useMemo(() => {
    const values = steps.map((step) => step.value);
    return buildNumberScale(values, suggestsLog(values));
  }, [steps]);
  return html`
    <section class="card">
      <div class="plot-heading">
        <h2>Best so far</h2>
        <div class="chips" role="group" aria-label="Horizontal axis">
          <button type="button" class="chip" aria-pressed=${!isOverTime} onClick=${() => setOverTime(false)}>Trials</button>
          <button type="button" class="chip" aria-pressed=${isOverTime} onClick=${() => setOverTime(true)}>Time</button>
        </div>
      </div>
      ${steps.length === 0
        ? html`<p class="quiet">No trial is complete yet.</p>`
        : html`<${PlotFrame} x=${x} y=${y} xLabel=${isOverTime ? "time since the start" : "complete trials"} yLabel=${sweep.objective.metric}
            label=${describeSteps(steps, sweep.objective.metric)} draw=${drawSteps(steps, x, y, last)} />`}
    </section>
  `;
}

/** @param {Improvement[]} improvements @param {number | null} start milliseconds; null counts trials @returns {Step[]} */
export function listSteps(improvements, start) {
  return improvements.map(({ value, number, complete_trials: count, at }) => ({
    x: start === null ? count : Math.max(0, (Date.parse(at) - start) / 1000),
    value,
    number,
  }));
}

/** @param {number} last @param {boolean} isOverTime @returns {Scale} */
function buildPositionScale(last, isOverTime) {
  const scale = buildNumberScale([0, last], false, [0, last]);
  const ticks = scale.ticks.filter(({ value }) => isOverTime || Number.isInteger(value));
  return { ...scale, ticks: ticks.map((tick) => (isOverTime ? { ...tick, label: tick.value === 0 ? "0" : formatDuration(Number(tick.value)) } : tick)) };
}

/** @param {Step[]} steps @param {Scale} x @param {Scale} y @param {number} last */
function drawSteps(steps, x, y, last) {
  return (/** @type {{width: number, height: number}} */ { width, height }) => {
    const places = steps.map((step) => ({ ...step, left: (x.locate(step.x) ?? 0) * width, top: (1 - (y.locate(step.value) ?? 0)) * height }));
    const path = places.map(({ left, top }, index) => (index === 0 ? `M${left} ${top}` : `H${left}V${top}`)).join("");
    return html`
      <path class="step-line" d=${`${path}H${(x.locate(last) ?? 1) * width}`} />
      ${places.map(({ left, top, number, value }) => html`
        <circle class="point best" key=${number} cx=${left} cy=${top} r="4"><title>Trial ${number}: ${formatMetric(value)}</title></circle>`)}
    `;
  };
}

/** @param {Step[]} steps @param {string} metric */
function describeSteps(steps, metric) {
  const last = steps.at(-1);
  return last ? `Best ${metric} so far: ${formatMetric(last.value)} by trial ${last.number}, after ${steps.length} improvements` : "";
}
