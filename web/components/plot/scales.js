/** Axes of values that may be numbers, on a linear or logarithmic scale, or categories. */

import { splitEvenly, splitLogAxis } from "../chart/scales.js";

/**
 * @typedef {object} Scale
 * @property {"linear" | "log" | "category"} kind
 * @property {(value: unknown) => number | null} locate the position from 0 (low) to 1 (high); null without a place
 * @property {(position: number) => number} invert the value at a position; for categories the index of the nearest one
 * @property {{label: string, position: number, value: unknown}[]} ticks all values of categories
 */

const MARGIN = 0.04;
const MAX_LABEL_LENGTH = 18;

/**
 * Build a scale for values; nulls are left out. Values that are not all numbers become categories.
 * @param {unknown[]} values
 * @param {{isLog?: boolean}} [options] a logarithmic scale needs numbers above 0, and is linear without them
 * @returns {Scale}
 */
export function buildScale(values, { isLog = false } = {}) {
  const present = values.filter((value) => value !== null && value !== undefined);
  const numbers = present.filter((value) => typeof value === "number" && Number.isFinite(value));
  if (numbers.length < present.length) return buildCategoryScale(present);
  return buildNumberScale(/** @type {number[]} */ (numbers), isLog);
}

/**
 * @param {number[]} numbers finite
 * @param {boolean} isLog
 * @param {[number, number] | null} [limits] instead of those of the numbers
 * @returns {Scale}
 */
export function buildNumberScale(numbers, isLog, limits = null) {
  const used = isLog ? numbers.filter((number) => number > 0) : numbers;
  if (used.length === 0) return isLog ? buildNumberScale(numbers, false, limits) : buildNumberScale([0, 1], false, limits);
  const transform = isLog ? Math.log10 : (/** @type {number} */ number) => number;
  const restore = isLog ? (/** @type {number} */ power) => 10 ** power : (/** @type {number} */ number) => number;
  const [low, high] = widenLimits(transform(limits?.[0] ?? findLeast(used)), transform(limits?.[1] ?? findGreatest(used)), limits !== null);
  const locate = (/** @type {number} */ value) => (transform(value) - low) / (high - low);
  const ticks = (isLog ? splitLogAxis : splitEvenly)(restore(low), restore(high));
  return {
    kind: isLog ? "log" : "linear",
    locate: (value) => (typeof value === "number" && Number.isFinite(value) && (!isLog || value > 0) ? locate(value) : null),
    invert: (position) => restore(low + position * (high - low)),
    ticks: ticks.map((tick) => ({ label: formatTick(tick), position: locate(tick), value: tick })),
  };
}

/** @param {unknown[]} values @returns {Scale} */
function buildCategoryScale(values) {
  const keys = [...new Set(values.map((value) => JSON.stringify(value)))].sort();
  const last = Math.max(1, keys.length - 1);
  const place = (/** @type {number} */ index) => (keys.length === 1 ? 0.5 : MARGIN + (1 - 2 * MARGIN) * (index / last));
  const positions = new Map(keys.map((key, index) => [key, place(index)]));
  const labels = labelCategories(keys);
  return {
    kind: "category",
    locate: (value) => positions.get(JSON.stringify(value ?? null)) ?? null,
    invert: (position) => Math.round(((position - MARGIN) / (1 - 2 * MARGIN)) * last),
    ticks: keys.map((key, index) => ({ label: /** @type {string} */ (labels[index]), position: place(index), value: JSON.parse(key) })),
  };
}

/** Return short labels; objects are named by their type where that tells them apart. @param {string[]} keys */
function labelCategories(keys) {
  const labels = keys.map((key) => formatValue(JSON.parse(key)));
  return new Set(labels).size === labels.length ? labels : keys.map(shorten);
}

/**
 * Return a value of a parameter as short text.
 * @param {any} value
 * @returns {string}
 */
export function formatValue(value) {
  if (typeof value === "number") return formatTick(value);
  if (typeof value === "string") return shorten(value);
  if (value && typeof value === "object" && typeof value.type === "string") return value.type;
  return shorten(JSON.stringify(value));
}

/** @param {number} value @returns {string} */
export function formatTick(value) {
  if (value === 0) return "0";
  const magnitude = Math.abs(value);
  if (magnitude >= 1e5 || magnitude < 1e-3) return value.toExponential(2).replace(/\.?0+e/, "e").replace("e+", "e");
  return String(Number(value.toPrecision(4)));
}

/** @param {string} text */
function shorten(text) {
  return text.length > MAX_LABEL_LENGTH ? `${text.slice(0, MAX_LABEL_LENGTH - 1)}…` : text;
}

/** @param {number} low @param {number} high @param {boolean} isExact @returns {[number, number]} */
function widenLimits(low, high, isExact) {
  if (low === high) return [low - (Math.abs(low) * 0.1 || 0.5), high + (Math.abs(high) * 0.1 || 0.5)];
  const margin = isExact ? 0 : (high - low) * MARGIN;
  return [low - margin, high + margin];
}

/** @param {number[]} numbers */
function findLeast(numbers) {
  return numbers.reduce((least, number) => Math.min(least, number), Infinity);
}

/** @param {number[]} numbers */
function findGreatest(numbers) {
  return numbers.reduce((greatest, number) => Math.max(greatest, number), -Infinity);
}
