/** Marks over the lines: values that are not numbers, at the edge of the chart, and the best epoch. */

import { findPosition, parseValue } from "./points.js";

/** @import { CurveSeries } from "./points.js" */

/**
 * @typedef {"nan" | "above" | "below"} EdgeKind
 * @typedef {{epoch: number, kind: EdgeKind}} EdgeMarker an epoch from 1
 */

/**
 * List the values of a series that no position on the axis can show.
 * @param {CurveSeries} series
 * @param {boolean} logScale zero and negative numbers lie below a logarithmic axis
 * @returns {EdgeMarker[]}
 */
export function listEdgeMarkers(series, logScale) {
  /** @type {EdgeMarker[]} */
  const markers = [];
  series.values.forEach((raw, position) => {
    const kind = classifyEdge(parseValue(raw), logScale);
    if (kind) markers.push({ epoch: /** @type {number} */ (series.epochs[position]) + 1, kind });
  });
  return markers;
}

/**
 * Find the point of the best epoch.
 * @param {CurveSeries} series
 * @returns {{epoch: number, value: number} | null} an epoch from 1
 */
export function findBestPoint(series) {
  if (series.best === null || series.best === undefined) return null;
  const position = findPosition(series.epochs, series.best);
  const value = position < 0 ? null : parseValue(series.values[position]);
  return value !== null && Number.isFinite(value) && series.epochs[position] === series.best
    ? { epoch: series.best + 1, value }
    : null;
}

/**
 * Draw a cross for NaN, an arrow up or down for values beyond the axis.
 * @param {CanvasRenderingContext2D} context
 * @param {EdgeKind} kind
 * @param {number} x
 * @param {number} y
 * @param {number} size
 */
export function drawEdgeMarker(context, kind, x, y, size) {
  context.beginPath();
  if (kind === "nan") {
    for (const direction of [-1, 1]) {
      context.moveTo(x - size, y - size * direction);
      context.lineTo(x + size, y + size * direction);
    }
    context.stroke();
    return;
  }
  const tip = kind === "above" ? -size : size;
  context.moveTo(x, y + tip);
  context.lineTo(x + size, y - tip);
  context.lineTo(x - size, y - tip);
  context.fill();
}

/** @param {number | null} value @param {boolean} logScale @returns {EdgeKind | null} */
function classifyEdge(value, logScale) {
  if (value === null) return null;
  if (Number.isNaN(value)) return "nan";
  if (value === Infinity) return "above";
  return value === -Infinity || (logScale && value <= 0) ? "below" : null;
}
