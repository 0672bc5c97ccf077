/** Limits and ticks of the axes. */

/** @import { ColumnValues } from "./points.js" */

const MAX_LOG_TICKS = 7;

/** Steps between ticks of epochs: whole numbers only. */
export const EPOCH_STEPS = Array.from({ length: 9 }, (_, power) => [1, 2, 5].map((digit) => digit * 10 ** power)).flat();

/**
 * Return the first and last epoch of the view, which never has width zero.
 * @param {number[][]} epochs of each series, from 0
 * @param {number} fromEpoch from 0
 * @param {[number, number] | null} zoom epochs from 1
 * @returns {[number, number]} epochs from 1
 */
export function findEpochLimits(epochs, fromEpoch, zoom) {
  if (zoom) return zoom;
  let first = Infinity;
  let last = -Infinity;
  for (const list of epochs) {
    if (list.length === 0) continue;
    first = Math.min(first, Math.max(fromEpoch, /** @type {number} */ (list[0])));
    last = Math.max(last, /** @type {number} */ (list[list.length - 1]));
  }
  if (last < first) return [1, 2];
  return first === last ? [first + 0.5, last + 1.5] : [first + 1, last + 1];
}

/**
 * Return the limits of the values in view, with a margin. Values that are not numbers do not count.
 * @param {number[]} epochs from 1
 * @param {ColumnValues[]} columns those that are visible
 * @param {[number, number]} view
 * @param {boolean} logScale
 * @returns {[number, number]}
 */
export function findValueLimits(epochs, columns, [from, to], logScale) {
  let low = Infinity;
  let high = -Infinity;
  for (const column of columns) {
    for (let row = 0; row < epochs.length; row += 1) {
      const value = column[row];
      const epoch = /** @type {number} */ (epochs[row]);
      if (value === null || value === undefined || epoch < from || epoch > to) continue;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  if (low > high) return logScale ? [0.1, 1] : [0, 1];
  return logScale ? widenByFactor(low, high) : widen(low, high);
}

/**
 * Return round ticks of a logarithmic axis: 1, 2 and 5 times powers of ten; only powers if there are many decades.
 * @param {number} low above 0
 * @param {number} high
 * @returns {number[]}
 */
export function splitLogAxis(low, high) {
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high));
  for (const digits of [[1, 2, 5], [1, 3], [1]]) {
    const ticks = listLogTicks(first, last, digits, 1).filter((tick) => tick >= low && tick <= high);
    if (ticks.length >= 2 && ticks.length <= MAX_LOG_TICKS) return ticks;
  }
  if (high / low < 10) return splitEvenly(low, high);
  const step = Math.ceil((last - first) / MAX_LOG_TICKS);
  return listLogTicks(first, last, [1], step).filter((tick) => tick >= low && tick <= high);
}

/** @param {number} first @param {number} last @param {number[]} digits @param {number} step */
function listLogTicks(first, last, digits, step) {
  const ticks = [];
  for (let power = first; power <= last; power += step) ticks.push(...digits.map((digit) => Number(`${digit}e${power}`)));
  return ticks;
}

/** Return about five round ticks of a linear axis. @param {number} low @param {number} high @returns {number[]} */
export function splitEvenly(low, high) {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * (rough / power > 7 ? 10 : rough / power > 3 ? 5 : rough / power > 1.5 ? 2 : 1);
  const ticks = [];
  for (let tick = Math.ceil(low / step); tick * step <= high; tick += 1) ticks.push(Number((tick * step).toPrecision(12)));
  return ticks;
}

/** @param {number} low @param {number} high @returns {[number, number]} */
function widen(low, high) {
  const margin = (high - low) * 0.06 || Math.abs(high) * 0.1 || 1;
  return [low >= 0 ? Math.max(0, low - margin) : low - margin, high + margin];
}

/** @param {number} low @param {number} high @returns {[number, number]} */
function widenByFactor(low, high) {
  const factor = (high / low) ** 0.06 || 1;
  return factor > 1.0001 ? [low / factor, high * factor] : [low / 1.2, high * 1.2];
}
