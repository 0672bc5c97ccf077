/** Smoother lines. */

import { parseValue } from "./points.js";

/** @import { CurveValue } from "./points.js" */

/**
 * Return the exponential moving average, corrected for its start. Values that are not numbers leave a gap.
 * @param {CurveValue[]} values
 * @param {number} weight of the past, from 0 (no smoothing) to below 1
 * @returns {(number | null)[]}
 */
export function smoothValues(values, weight) {
  let sum = 0;
  let total = 0;
  return values.map((raw) => {
    const value = parseValue(raw);
    if (value === null || !Number.isFinite(value)) return null;
    sum = weight * sum + (1 - weight) * value;
    total = weight * total + (1 - weight);
    return sum / total;
  });
}
