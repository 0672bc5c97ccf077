/** The axes of parallel coordinates, and the ranges on them that filter trials. */

import { buildScale, formatTick, formatValue } from "../../../components/plot/scales.js";
import { suggestsLog } from "../charts/value_axis.js";

/** @import { Scale } from "../../../components/plot/scales.js" */
/** @import { ParameterColumn, TrialRow } from "../trial_rows.js" */

/**
 * @typedef {object} Axis
 * @property {string} key the pointer of a parameter, or `value`
 * @property {string} label
 * @property {Scale} scale
 *
 * @typedef {[number, number]} Interval positions on an axis from 0 to 1, the lower one first
 *
 * A range stays where it is when new trials change the limits of its axis, because it has values and no positions.
 * @typedef {{low: number, high: number} | {values: unknown[]}} Range
 * @typedef {Record<string, Range>} Ranges by the key of the axis
 */

export const VALUE_AXIS = "value";
const TICK_MARGIN = 0.02;

/**
 * Build an axis for each parameter, and the last one for the value.
 * @param {TrialRow[]} rows
 * @param {ParameterColumn[]} columns
 * @param {string} metric
 * @returns {Axis[]}
 */
export function buildAxes(rows, columns, metric) {
  const values = rows.map((row) => row.value);
  return [
    ...columns.map(({ pointer, label, isLog }) => ({ key: pointer, label, scale: buildScale(rows.map((row) => row.parameters[pointer]), { isLog }) })),
    { key: VALUE_AXIS, label: metric, scale: buildScale(values, { isLog: suggestsLog(values) }) },
  ];
}

/** @param {Axis} axis @param {TrialRow} row @returns {number | null} null where the trial has no value on this axis */
export function locateTrial(axis, row) {
  const value = axis.key === VALUE_AXIS ? row.value : row.parameters[axis.key];
  return value === null || value === undefined ? null : axis.scale.locate(value);
}

/**
 * Return the numbers of the trials within all ranges, or null without a range.
 * @param {TrialRow[]} rows
 * @param {Axis[]} axes
 * @param {Ranges} ranges
 * @returns {Set<number> | null}
 */
export function selectTrials(rows, axes, ranges) {
  const limited = axes.filter((axis) => ranges[axis.key]);
  if (limited.length === 0) return null;
  const isMatch = (/** @type {TrialRow} */ row) =>
    limited.every((axis) => {
      const position = locateTrial(axis, row);
      const [low, high] = locateRange(axis, /** @type {Range} */ (ranges[axis.key]));
      return position !== null && position >= low && position <= high;
    });
  return new Set(rows.filter(isMatch).map((row) => row.number));
}

/** @param {Axis} axis @param {Interval} interval @returns {Range} */
export function createRange({ scale }, [low, high]) {
  if (scale.kind !== "category") return { low: scale.invert(low), high: scale.invert(high) };
  return { values: scale.ticks.filter(({ position }) => position >= low && position <= high).map(({ value }) => value) };
}

/** @param {Axis} axis @param {Range} range @returns {Interval} */
export function locateRange({ scale }, range) {
  if ("values" in range) {
    const positions = range.values.map((value) => scale.locate(value)).filter((position) => position !== null);
    return positions.length === 0 ? [0, 0] : [Math.min(...positions) - TICK_MARGIN, Math.max(...positions) + TICK_MARGIN];
  }
  return [scale.locate(range.low) ?? 0, scale.locate(range.high) ?? 1];
}

/**
 * Describe a range in the values of its axis.
 * @param {Range} range
 * @returns {string}
 */
export function describeRange(range) {
  if ("values" in range) return range.values.map(formatValue).join(", ") || "none";
  return `${formatTick(range.low)} to ${formatTick(range.high)}`;
}
