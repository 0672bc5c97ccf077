/** Intervals of trials as text. */

import { formatMetric } from "../../../core/format.js";

/** @import { Difference, Estimate } from "../../../core/sweep_types.js" */

/**
 * Return the 95 % interval of a mean, or an empty text for a single value.
 * @param {Estimate | null} estimate
 */
export function formatInterval(estimate) {
  if (!estimate || estimate.low === null || estimate.high === null) return "";
  return `± ${formatRough((estimate.high - estimate.low) / 2)}`;
}

/**
 * Describe the difference to the best trial.
 * @param {Difference | null} difference
 */
export function describeDifference(difference) {
  if (!difference) return "";
  const { difference: estimate, is_distinguishable: isDistinguishable } = difference;
  const amount = `${estimate.mean > 0 ? "+" : ""}${formatMetric(estimate.mean)} ${formatInterval(estimate)}`.trim();
  if (isDistinguishable === null) return amount;
  return `${amount}: ${isDistinguishable ? "distinguishable from the best" : "not distinguishable from the best"}`;
}

/** @param {number} value */
function formatRough(value) {
  return formatMetric(Number(value.toPrecision(2)));
}
