/** What the charts of a sweep share: the axis of the objective, and the colours by rank. */

/** @import { TrialRow } from "../trial_rows.js" */

const LOG_RATIO = 20;
const LINES_PER_CONTRAST = 60;

/**
 * Return whether values are easier to read on a logarithmic axis.
 * @param {(number | null)[]} values
 */
export function suggestsLog(values) {
  const present = values.filter((value) => value !== null);
  if (present.length < 2) return false;
  const least = present.reduce((low, value) => Math.min(low, value), Infinity);
  return least > 0 && present.reduce((high, value) => Math.max(high, value), 0) / least > LOG_RATIO;
}

/**
 * Return the strokes of trials by their numbers: the better a trial is, the stronger.
 * @param {TrialRow[]} rows the best first
 * @returns {Map<number, string>}
 */
export function chooseColors(rows) {
  const valued = rows.filter((row) => row.value !== null);
  const last = Math.max(1, valued.length - 1);
  const contrast = Math.max(1.5, valued.length / LINES_PER_CONTRAST); // of many lines, only the best stand out
  return new Map(valued.map((row, index) => [row.number, mixColor((1 - index / last) ** contrast)]));
}

/** @param {number} strength from 0 to 1 */
function mixColor(strength) {
  return `color-mix(in oklab, var(--accent) ${Math.round(15 + 85 * strength)}%, var(--plot-weak))`;
}
