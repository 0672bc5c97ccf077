/** Series of a chart as columns of numbers: parsed, thinned to what the width can show, and aligned by epoch. */

import { thinIndices } from "./thinning.js";

/**
 * @typedef {number | null | string} CurveValue `null` is a missing value; "NaN", "Infinity" and "-Infinity" are strings
 *
 * @typedef {object} CurveSeries
 * @property {string} name
 * @property {number[]} epochs ascending, from 0
 * @property {CurveValue[]} values one per epoch
 * @property {string} color name of a CSS variable, such as "--series-1"
 * @property {number[]} [dash] lengths of dashes and gaps in pixels
 * @property {{low: (number | null)[], high: (number | null)[]}} [band] limits around the line, one per epoch
 * @property {number | null} [best] the epoch to mark
 * @property {(number | null)[]} [smoothed] a smoother line, drawn over the faint line of the values
 *
 * @typedef {"values" | "smoothed" | "low" | "high"} ColumnKind
 * @typedef {{series: number, kind: ColumnKind}} Column
 * @typedef {(number | null | undefined)[]} ColumnValues null breaks the line, undefined does not
 */

/** @param {CurveValue | undefined} value @returns {number | null} NaN and infinities are kept */
export function parseValue(value) {
  if (value === null || value === undefined) return null;
  return typeof value === "number" ? value : Number(value);
}

/**
 * List the columns of some series, in the order of `alignColumns`.
 * @param {CurveSeries[]} series
 * @returns {Column[]}
 */
export function listColumns(series) {
  return series.flatMap((one, index) => {
    /** @type {ColumnKind[]} */
    const kinds = ["values"];
    if (one.smoothed) kinds.push("smoothed");
    if (one.band) kinds.push("low", "high");
    return kinds.map((kind) => ({ series: index, kind }));
  });
}

/**
 * Align series by epoch. Epochs in the result count from 1, as people count them.
 * @param {CurveSeries[]} series
 * @param {{from: number, to: number, buckets: number, logScale: boolean}} view `from` and `to` count from 1
 * @returns {[number[], ...ColumnValues[]]} the epochs, then the columns of `listColumns`
 */
export function alignColumns(series, view) {
  const parsed = series.map((one) => one.values.map(parseValue));
  const kept = series.map((one, index) => thinIndices(one.epochs, /** @type {(number | null)[]} */ (parsed[index]), view));
  const epochs = mergeEpochs(series, kept);
  const columns = listColumns(series).map(({ series: index, kind }) => {
    const one = /** @type {CurveSeries} */ (series[index]);
    const values = kind === "values" ? (parsed[index] ?? []) : readColumn(one, kind);
    return spreadColumn(one.epochs, values, kept[index] ?? [], epochs, view.logScale);
  });
  return [epochs.map((epoch) => epoch + 1), ...columns];
}

/**
 * Put values at the rows of their epochs.
 * @param {number[]} ownEpochs
 * @param {(number | null)[]} values
 * @param {number[]} kept positions, ascending
 * @param {number[]} epochs those of all rows
 * @param {boolean} logScale
 * @returns {ColumnValues}
 */
function spreadColumn(ownEpochs, values, kept, epochs, logScale) {
  /** @type {ColumnValues} */
  const column = new Array(epochs.length);
  let row = 0;
  for (const position of kept) {
    const epoch = /** @type {number} */ (ownEpochs[position]);
    while (/** @type {number} */ (epochs[row]) < epoch) row += 1;
    column[row] = keepDrawable(values[position] ?? null, logScale);
  }
  return column;
}

/**
 * Return the position of the last epoch that is not after another, or the first position; -1 without epochs.
 * @param {number[]} epochs ascending
 * @param {number} epoch
 */
export function findPosition(epochs, epoch) {
  let low = 0;
  let high = epochs.length - 1;
  while (low < high) {
    const middle = Math.ceil((low + high) / 2);
    if (/** @type {number} */ (epochs[middle]) <= epoch) low = middle;
    else high = middle - 1;
  }
  return high < 0 ? -1 : low;
}

/** @param {number | null} value @param {boolean} logScale */
function keepDrawable(value, logScale) {
  return value === null || !Number.isFinite(value) || (logScale && value <= 0) ? null : value;
}

/** @param {CurveSeries} series @param {ColumnKind} kind @returns {(number | null)[]} */
function readColumn(series, kind) {
  return (kind === "smoothed" ? series.smoothed : series.band?.[kind === "low" ? "low" : "high"]) ?? [];
}

/** @param {CurveSeries[]} series @param {number[][]} kept @returns {number[]} ascending, each once */
function mergeEpochs(series, kept) {
  /** @type {Set<number>} */
  const epochs = new Set();
  series.forEach((one, index) => {
    for (const position of kept[index] ?? []) epochs.add(/** @type {number} */ (one.epochs[position]));
  });
  return Array.from(epochs).sort((a, b) => a - b);
}
