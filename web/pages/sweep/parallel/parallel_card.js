/** Parallel coordinates: a line for each trial across the axes of its parameters and of its value. */

import { html, useMemo } from "../../../vendor/ui.js";
import { useWidth } from "../../../components/plot/use_width.js";
import { chooseColors } from "../charts/value_axis.js";
import { createRange, describeRange } from "./axes.js";
import { AxisView } from "./axis_view.js";
import { buildLine } from "./lines.js";

/** @import { Axis, Interval, Range, Ranges } from "./axes.js" */
/** @import { TrialRow } from "../trial_rows.js" */

const HEIGHT = 260;
const TOP = 34;
const BOTTOM = 14;
const SIDE = 44;
const MIN_AXIS_DISTANCE = 118;
const CHARACTER_WIDTH = 7.5;
const MAX_LINES = 1000;
const MANY_LINES = 200;

/**
 * @param {object} properties
 * @param {TrialRow[]} properties.rows the best first
 * @param {Axis[]} properties.axes
 * @param {Ranges} properties.ranges
 * @param {Set<number> | null} properties.selected numbers of the trials within all ranges; null is all
 * @param {(ranges: Ranges) => void} properties.onRanges
 * @param {(number: number) => void} properties.onOpen
 */
export function ParallelCard({ rows, axes, ranges, selected, onRanges, onOpen }) {
  const [element, visibleWidth] = useWidth();
  const width = Math.max(visibleWidth, 2 * SIDE + (axes.length - 1) * MIN_AXIS_DISTANCE);
  const lefts = axes.map((_, index) => SIDE + (index * (width - 2 * SIDE)) / Math.max(1, axes.length - 1));
  const maxLabelLength = Math.floor(((lefts[1] ?? width) - (lefts[0] ?? 0)) / CHARACTER_WIDTH);
  const shown = useMemo(() => rows.filter((row) => row.value !== null || row.state === "running" || row.state === "waiting").slice(0, MAX_LINES), [rows]);
  const colors = useMemo(() => chooseColors(rows), [rows]);
  /** @param {string} key @param {Range | null} range */
  const change = (key, range) => {
    const { [key]: _, ...others } = ranges;
    onRanges(range ? { ...others, [key]: range } : others);
  };
  return html`
    <section class="card">
      <h2>Parameters of all trials <span class="quiet">drag along an axis to filter</span></h2>
      <div class="parallel" ref=${element}>
        ${visibleWidth > 0 && html`
          <svg width=${width} height=${HEIGHT + TOP + BOTTOM} role="group" aria-label="Parallel coordinates: an axis for each parameter, the value last">
            <g transform=${`translate(0,${TOP})`}>
              <${Lines} rows=${shown} axes=${axes} lefts=${lefts} colors=${colors} selected=${selected} onOpen=${onOpen} />
              ${axes.map((axis, index) => html`
                <${AxisView} key=${axis.key} axis=${axis} left=${lefts[index]} height=${HEIGHT} maxLabelLength=${maxLabelLength} range=${ranges[axis.key] ?? null}
                  onChange=${(/** @type {Interval | null} */ interval) => change(axis.key, interval && createRange(axis, interval))} />`)}
            </g>
          </svg>`}
      </div>
      <${RangeChips} axes=${axes} ranges=${ranges} onRemove=${(/** @type {string} */ key) => change(key, null)} />
      ${rows.length > shown.length && shown.length === MAX_LINES && html`<p class="quiet">The best ${MAX_LINES} trials are drawn.</p>`}
    </section>
  `;
}

/**
 * @param {{rows: TrialRow[], axes: Axis[], lefts: number[], colors: Map<number, string>, selected: Set<number> | null,
 *   onOpen: (number: number) => void}} properties
 */
function Lines({ rows, axes, lefts, colors, selected, onOpen }) {
  const key = lefts.join();
  const lines = useMemo(() => rows.map((row) => ({ row, ...buildLine(row, axes, lefts, HEIGHT) })).reverse(), [rows, axes, key]);
  return html`
    <g class=${rows.length > MANY_LINES ? "lines many" : "lines"} aria-hidden="true">
      ${lines.map(({ row, solid, dashed, dots }) => {
        const isFaded = selected && !selected.has(row.number);
        const kind = isFaded ? "line faded" : row.state === "complete" ? "line" : "line short";
        return html`
          <g key=${row.number} class=${kind} style=${{ stroke: colors.get(row.number) ?? "var(--plot-weak)" }} onClick=${() => onOpen(row.number)}>
            <title>Trial ${row.number}, ${row.state}</title>
            <path d=${solid} /><path class="gap" d=${dashed} />
            ${dots.map(([x, y]) => html`<circle cx=${x} cy=${y} r="2.5" />`)}
          </g>`;
      })}
    </g>
  `;
}

/** The ranges in words; a click removes one. @param {{axes: Axis[], ranges: Ranges, onRemove: (key: string) => void}} properties */
function RangeChips({ axes, ranges, onRemove }) {
  const limited = axes.filter((axis) => ranges[axis.key]);
  if (limited.length === 0) return null;
  return html`
    <p class="active-filters">
      ${limited.map((axis) => {
        const text = `${axis.label}: ${describeRange(/** @type {Range} */ (ranges[axis.key]))}`;
        return html`<button type="button" key=${axis.key} class="chip" aria-pressed="true" aria-label=${`Remove the filter ${text}`} onClick=${() => onRemove(axis.key)}>${text} ×</button>`;
      })}
    </p>
  `;
}
