/** The drawing of curves on a canvas: a uPlot chart that follows its series, size and colours. */

import { UPlot } from "../../vendor/ui.js";
import { formatMetric } from "../../core/format.js";
import { drawEdgeMarker, findBestPoint, listEdgeMarkers } from "./markers.js";
import { alignColumns, listColumns } from "./points.js";
import { EPOCH_STEPS, findEpochLimits, findValueLimits, splitLogAxis } from "./scales.js";
import { chooseBuckets } from "./thinning.js";

/** @import { CurveSeries } from "./points.js" */

/**
 * @typedef {object} PlotOptions
 * @property {boolean} logScale
 * @property {number} fromEpoch from 0
 * @property {[number, number] | null} zoom epochs from 1
 * @property {Set<string>} hidden names of series
 * @property {number} height pixels
 */

const FONT = "12px system-ui, sans-serif";
const RAW_ALPHA = 0.3;
const BAND_ALPHA = "26";
const MARKER_SIZE = 4;
const MARKER_ROWS = 4;
const MANY_LINES = 8;

export class CurvePlot {
  /**
   * @param {HTMLElement} element the parent
   * @param {{onHover: (epoch: number | null) => void, onZoom: (zoom: [number, number] | null) => void}} listeners
   */
  constructor(element, listeners) {
    this.element = element;
    this.listeners = listeners;
    /** @type {CurveSeries[]} */
    this.series = [];
    /** @type {PlotOptions} */
    this.options = { logScale: false, fromEpoch: 0, zoom: null, hidden: new Set(), height: 240 };
    /** @type {any} */
    this.plot = null;
    this.layout = "";
    /** @type {[number, number]} */
    this.view = [1, 2];
    /** @type {[number, number]} */
    this.limits = [0, 1];
    this.observer = new ResizeObserver(() => this.draw());
    this.observer.observe(element);
    this.colorScheme = window.matchMedia("(prefers-color-scheme: dark)");
    /** @type {Map<string, string>} */
    this.colors = new Map();
    this.repaint = () => {
      this.colors.clear();
      this.plot?.redraw(false);
    };
    this.colorScheme.addEventListener("change", this.repaint);
  }

  /**
   * @param {CurveSeries[]} series
   * @param {PlotOptions} options
   */
  update(series, options) {
    this.series = series;
    this.options = options;
    this.draw();
  }

  /** Show the values at an epoch, or at none. @param {number | null} epoch from 1 */
  moveCursor(epoch) {
    const left = epoch === null ? -10 : this.plot?.valToPos(epoch, "x");
    this.plot?.setCursor({ left, top: epoch === null ? -10 : 10 }, false);
  }

  destroy() {
    this.observer.disconnect();
    this.colorScheme.removeEventListener("change", this.repaint);
    this.plot?.destroy();
    this.plot = null;
  }

  draw() {
    const width = Math.floor(this.element.clientWidth);
    if (width === 0) return;
    const data = this.measure(width);
    const layout = this.describeLayout();
    if (!this.plot || layout !== this.layout) {
      this.plot?.destroy();
      this.layout = layout;
      this.plot = new UPlot(this.buildOptions(width), /** @type {any} */ (data), this.element);
      return;
    }
    const { height } = this.options;
    if (this.plot.width !== width || this.plot.height !== height) this.plot.setSize({ width, height });
    this.plot.batch(() => {
      this.plot.setData(data, false);
      this.plot.setScale("x", { min: this.view[0], max: this.view[1] });
    });
  }

  /** Find the view and its limits, and return the columns to draw. @param {number} width */
  measure(width) {
    const { logScale, fromEpoch, zoom, hidden } = this.options;
    const shown = this.series.filter((one) => !hidden.has(one.name));
    this.view = findEpochLimits(shown.map((one) => one.epochs), fromEpoch, zoom);
    const [from, to] = this.view;
    const buckets = chooseBuckets(width, shown.length);
    const data = alignColumns(this.series, { from, to, buckets, logScale });
    const visible = listColumns(this.series).flatMap(({ series }, index) =>
      hidden.has(this.series[series]?.name ?? "") ? [] : [/** @type {any} */ (data[index + 1])],
    );
    this.limits = findValueLimits(data[0], visible, this.view, logScale);
    return data;
  }

  /** A chart with another layout is built anew. */
  describeLayout() {
    const { logScale, hidden } = this.options;
    const lines = this.series.map((one) => [one.name, one.color, one.dash, !!one.smoothed, !!one.band, hidden.has(one.name)]);
    return JSON.stringify([logScale, lines]);
  }

  /** @param {number} width @returns {any} */
  buildOptions(width) {
    const columns = listColumns(this.series);
    return {
      width,
      height: this.options.height,
      padding: [10, 22, 0, 0],
      legend: { show: false },
      cursor: this.buildCursor(),
      scales: {
        x: { time: false, range: () => this.view },
        y: { range: () => this.limits, ...(this.options.logScale ? { distr: 3, log: 10 } : {}) },
      },
      axes: this.buildAxes(),
      series: [{}, ...columns.map((column) => this.buildLine(column))],
      bands: columns.flatMap(({ series, kind }, index) =>
        kind === "low" ? [{ series: [index + 2, index + 1], fill: () => this.readColor(series) + BAND_ALPHA }] : [],
      ),
      hooks: { draw: [() => this.drawMarkers()], setSelect: [() => this.zoomToSelection()], setCursor: [() => this.hover()] },
    };
  }

  buildCursor() {
    return {
      y: false,
      drag: { x: true, y: false, setScale: false },
      points: { show: false },
      bind: { dblclick: () => () => (this.listeners.onZoom(null), null) },
    };
  }

  buildAxes() {
    const shared = { stroke: () => this.readVariable("--ink-faint"), font: FONT, ticks: { show: false } };
    const log = { splits: (/** @type {any} */ _, /** @type {any} */ __, /** @type {number} */ low, /** @type {number} */ high) => splitLogAxis(low, high) };
    return [
      { ...shared, grid: { show: false }, incrs: EPOCH_STEPS, size: 26, gap: 4 },
      {
        ...shared,
        grid: { stroke: () => this.readVariable("--line"), width: 1 },
        size: (/** @type {any} */ _, /** @type {string[] | null} */ labels) => 14 + 7 * Math.max(3, ...(labels ?? []).map((label) => label.length)),
        gap: 6,
        values: (/** @type {any} */ _, /** @type {number[]} */ splits) => splits.map(formatMetric),
        filter: (/** @type {any} */ _, /** @type {number[]} */ splits) => splits,
        ...(this.options.logScale ? log : {}),
      },
    ];
  }

  /** @param {{series: number, kind: string}} column */
  buildLine({ series, kind }) {
    const one = /** @type {CurveSeries} */ (this.series[series]);
    const isBand = kind === "low" || kind === "high";
    return {
      show: !this.options.hidden.has(one.name),
      stroke: isBand ? undefined : () => this.readColor(series),
      width: isBand ? 0 : this.series.length > MANY_LINES ? 1 : 1.6,
      alpha: kind === "values" && one.smoothed ? RAW_ALPHA : 1,
      dash: one.dash ?? [],
      points: { show: kind === "values" ? this.isSparse(series) : false, size: 5, stroke: () => this.readColor(series), fill: () => this.readColor(series) },
    };
  }

  /** A line of few points shows them, since one point alone has no line. @param {number} series */
  isSparse(series) {
    return () => (this.series[series]?.epochs.length ?? 0) < 3;
  }

  zoomToSelection() {
    const { left, width } = this.plot.select;
    if (width < 3) return;
    const from = Math.max(1, Math.floor(this.plot.posToVal(left, "x")));
    const to = Math.max(from + 1, Math.ceil(this.plot.posToVal(left + width, "x")));
    this.plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.listeners.onZoom([from, to]);
  }

  hover() {
    const { left } = this.plot.cursor;
    const epoch = left === undefined || left < 0 ? null : Math.round(this.plot.posToVal(left, "x"));
    this.listeners.onHover(epoch);
  }

  drawMarkers() {
    const plot = this.plot;
    if (!plot) return;
    const { ctx, bbox } = plot;
    ctx.save();
    ctx.lineWidth = 1.8 * window.devicePixelRatio;
    ctx.setLineDash([]);
    this.series.forEach((one, index) => {
      if (this.options.hidden.has(one.name)) return;
      ctx.strokeStyle = ctx.fillStyle = this.readColor(index);
      this.drawEdges(plot, one, index % MARKER_ROWS);
      this.drawBest(plot, one, bbox);
    });
    ctx.restore();
  }

  /**
   * @param {any} plot
   * @param {CurveSeries} series
   * @param {number} line from the edge; other series are marked on other lines
   */
  drawEdges({ ctx, bbox, valToPos }, series, line) {
    const size = MARKER_SIZE * window.devicePixelRatio;
    const distance = size * (1 + 2.6 * line);
    const drawn = new Set();
    for (const { epoch, kind } of listEdgeMarkers(series, this.options.logScale)) {
      if (epoch < this.view[0] || epoch > this.view[1]) continue;
      const x = valToPos(epoch, "x", true);
      const cell = `${kind} ${Math.round(x / size)}`;
      if (drawn.has(cell)) continue;
      drawn.add(cell);
      drawEdgeMarker(ctx, kind, x, kind === "below" ? bbox.top + bbox.height - distance : bbox.top + distance, size);
    }
  }

  /** @param {any} plot @param {CurveSeries} series @param {{left: number, width: number}} bbox */
  drawBest({ ctx, valToPos }, series, bbox) {
    const best = findBestPoint(series);
    if (!best || (this.options.logScale && best.value <= 0)) return;
    const x = valToPos(best.epoch, "x", true);
    if (x < bbox.left || x > bbox.left + bbox.width) return;
    ctx.beginPath();
    ctx.arc(x, valToPos(best.value, "y", true), MARKER_SIZE * 1.2 * window.devicePixelRatio, 0, 2 * Math.PI);
    ctx.stroke();
  }

  /** @param {number} series */
  readColor(series) {
    return this.readVariable(this.series[series]?.color ?? "--ink");
  }

  /** @param {string} name of a CSS variable @returns {string} */
  readVariable(name) {
    const known = this.colors.get(name);
    if (known) return known;
    const color = getComputedStyle(document.documentElement).getPropertyValue(name).trim() || "#888888";
    this.colors.set(name, color);
    return color;
  }
}
