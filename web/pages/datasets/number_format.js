/** Numbers of a dataset: integers as they are, and others with four digits. */

import { formatMetric } from "../../core/format.js";

const MAX_INTEGER = 1e12;
const FIRST_WITHOUT_FRACTION = 1e4;
const FIRST_WITH_EXPONENT = 1e9;

/** @param {number | null} value @returns {string} */
export function formatNumber(value) {
  const magnitude = Math.abs(value ?? 0);
  if (value === null || (Number.isInteger(value) && magnitude >= MAX_INTEGER)) return formatMetric(value);
  if (Number.isInteger(value)) return String(value);
  return magnitude >= FIRST_WITHOUT_FRACTION && magnitude < FIRST_WITH_EXPONENT ? String(Math.round(value)) : formatMetric(value);
}
