/** Learning curves: lines by epoch, with a legend of values, zoom by dragging, and marks for NaN and infinity. */

import { html, useEffect, useRef, useState } from "../vendor/ui.js";
import { ChartLegend } from "./chart/chart_legend.js";
import { CurvePlot } from "./chart/curve_plot.js";

/** @import { CurveSeries } from "./chart/points.js" */

/**
 * A chart of series. Drag to zoom, double-click or Escape to see everything again, arrow keys to read values.
 * @param {object} properties
 * @param {CurveSeries[]} properties.series
 * @param {boolean} [properties.logScale]
 * @param {number} [properties.fromEpoch] from 0
 * @param {number} [properties.height] pixels
 * @param {string} [properties.label] for screen readers
 * @param {(from: number | null, to: number | null) => void} [properties.onZoom] gets the first and last epoch in view,
 *   from 0, to fetch finer points; null and null when everything is in view again
 */
export function CurveChart({ series, logScale = false, fromEpoch = 0, height = 240, label = "Learning curves", onZoom }) {
  const element = useRef(/** @type {HTMLElement | null} */ (null));
  const plot = useRef(/** @type {CurvePlot | null} */ (null));
  const [epoch, setEpoch] = useState(/** @type {number | null} */ (null));
  const [zoom, setZoom] = useState(/** @type {[number, number] | null} */ (null));
  const [hidden, setHidden] = useState(/** @type {Set<string>} */ (new Set()));
  const listener = useRef(onZoom);
  listener.current = onZoom;

  /** @param {[number, number] | null} view */
  const changeZoom = (view) => {
    setZoom(view);
    listener.current?.(view && view[0] - 1, view && view[1] - 1);
  };
  useEffect(() => {
    if (!element.current) return undefined;
    const created = new CurvePlot(element.current, { onHover: setEpoch, onZoom: changeZoom });
    plot.current = created;
    return () => created.destroy();
  }, []);
  useEffect(() => plot.current?.update(series, { logScale, fromEpoch, zoom, hidden, height }), [series, logScale, fromEpoch, zoom, hidden, height]);

  return html`
    <figure class="chart" aria-label=${label}>
      <${ChartLegend} series=${series} epoch=${epoch} hidden=${hidden}
        onToggle=${(/** @type {string} */ name) => setHidden(toggle(hidden, name))} />
      <div class="chart-canvas" ref=${element} tabindex="0" role="img" style=${{ minHeight: `${height}px` }}
        aria-label=${`${label}. Left and right arrow keys read values; Escape ends the zoom.`}
        onKeyDown=${(/** @type {KeyboardEvent} */ event) => handleKey(event, { series, epoch, plot: plot.current, reset: () => changeZoom(null) })}
        onBlur=${() => plot.current?.moveCursor(null)}></div>
      ${zoom && html`<button type="button" class="chart-reset" onClick=${() => changeZoom(null)}>Show all epochs</button>`}
    </figure>
  `;
}

/** @param {Set<string>} names @param {string} name */
function toggle(names, name) {
  const changed = new Set(names);
  if (!changed.delete(name)) changed.add(name);
  return changed;
}

/**
 * @param {KeyboardEvent} event
 * @param {{series: CurveSeries[], epoch: number | null, plot: CurvePlot | null, reset: () => void}} chart
 */
function handleKey(event, { series, epoch, plot, reset }) {
  if (event.key === "Escape") return reset();
  const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
  if (!step) return undefined;
  event.preventDefault();
  const last = Math.max(...series.map((one) => one.epochs.at(-1) ?? 0)) + 1;
  return plot?.moveCursor(Math.min(last, Math.max(1, (epoch ?? (step > 0 ? 0 : last + 1)) + step)));
}
