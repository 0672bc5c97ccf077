/** Fewer points for a line that has more of them than the screen has pixels, without losing its peaks. */

const POINTS_PER_BUCKET = 2;
const MAX_POINTS = 16_000;
const MIN_BUCKETS = 60;

/**
 * Return the number of buckets of each line: one per pixel, fewer if there are many lines.
 * @param {number} width pixels
 * @param {number} lines
 */
export function chooseBuckets(width, lines) {
  return Math.max(MIN_BUCKETS, Math.min(width, Math.floor(MAX_POINTS / POINTS_PER_BUCKET / Math.max(1, lines))));
}

/**
 * Return the positions to draw: all in view, or the lowest and highest value, and a missing one, of each bucket.
 * The first position outside of the view is kept on each side, so that the line runs to the edge.
 * @param {number[]} epochs ascending, from 0
 * @param {(number | null)[]} values
 * @param {{from: number, to: number, buckets: number}} view `from` and `to` are epochs that count from 1
 * @returns {number[]} ascending
 */
export function thinIndices(epochs, values, { from, to, buckets }) {
  let first = epochs.findIndex((epoch) => epoch + 1 >= from);
  if (first < 0) return [];
  let end = epochs.length;
  while (end > first && /** @type {number} */ (epochs[end - 1]) + 1 > to) end -= 1;
  first = Math.max(0, first - 1);
  end = Math.min(epochs.length, end + 1);
  const count = end - first;
  if (count <= buckets * POINTS_PER_BUCKET) return Array.from({ length: count }, (_, offset) => first + offset);
  const kept = [first];
  for (let bucket = 0; bucket < buckets; bucket += 1) {
    const start = first + Math.floor((bucket * count) / buckets);
    kept.push(...pickExtremes(values, start, first + Math.floor(((bucket + 1) * count) / buckets)));
  }
  kept.push(end - 1);
  return [...new Set(kept)].sort((a, b) => a - b);
}

/**
 * @param {(number | null)[]} values
 * @param {number} start
 * @param {number} end
 */
function pickExtremes(values, start, end) {
  let lowest = -1;
  let highest = -1;
  let missing = -1;
  for (let position = start; position < end; position += 1) {
    const value = values[position];
    if (value === null || value === undefined || !Number.isFinite(value)) missing = missing < 0 ? position : missing;
    else {
      if (lowest < 0 || value < /** @type {number} */ (values[lowest])) lowest = position;
      if (highest < 0 || value > /** @type {number} */ (values[highest])) highest = position;
    }
  }
  return [lowest, highest, missing].filter((position) => position >= 0);
}
