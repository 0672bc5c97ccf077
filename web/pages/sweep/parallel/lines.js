/** The lines of trials across the axes, in pixels. */

import { locateTrial } from "./axes.js";

/** @import { Axis } from "./axes.js" */
/** @import { TrialRow } from "../trial_rows.js" */

/**
 * @typedef {object} TrialLine
 * @property {string} solid path between neighbouring axes
 * @property {string} dashed path across axes of parameters that the trial does not use
 * @property {[number, number][]} dots places between two gaps, which no solid line shows
 */

/**
 * @param {TrialRow} row
 * @param {Axis[]} axes
 * @param {number[]} lefts of the axes
 * @param {number} height
 * @returns {TrialLine}
 */
export function buildLine(row, axes, lefts, height) {
  const places = axes.map((axis, index) => {
    const position = locateTrial(axis, row);
    return position === null ? null : { index, x: round(lefts[index] ?? 0), y: round((1 - position) * height) };
  });
  const present = places.filter((place) => place !== null);
  let solid = "";
  let dashed = "";
  present.slice(1).forEach((place, index) => {
    const before = /** @type {typeof place} */ (present[index]);
    const segment = `M${before.x} ${before.y}L${place.x} ${place.y}`;
    if (place.index === before.index + 1) solid += segment;
    else dashed += segment;
  });
  const dots = present.filter(({ index }) => !places[index - 1] && !places[index + 1]);
  return { solid, dashed, dots: dots.map(({ x, y }) => [x, y]) };
}

/** @param {number} pixels */
function round(pixels) {
  return Math.round(pixels * 10) / 10;
}
