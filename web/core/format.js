/** Numbers, times and durations as people read them. */

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** @param {number | null | undefined} value @returns {string} */
export function formatMetric(value) {
  if (value === null || value === undefined) return "–";
  if (value === 0) return "0";
  const magnitude = Math.abs(value);
  return magnitude >= 1e5 || magnitude < 1e-3 ? value.toExponential(3) : String(Number(value.toPrecision(4)));
}

/** @param {number} value @returns {string} */
export function formatCount(value) {
  return value.toLocaleString("en-US");
}

/** @param {number} bytes @returns {string} */
export function formatBytes(bytes) {
  const exponent = Math.min(UNITS.length - 1, bytes < 1 ? 0 : Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** exponent;
  return `${exponent === 0 ? value : Number(value.toPrecision(3))} ${UNITS[exponent]}`;
}

/** @param {number} seconds @returns {string} */
export function formatDuration(seconds) {
  if (seconds < 1) return `${Math.round(seconds * 1000)} ms`;
  if (seconds < 60) return `${Number(seconds.toPrecision(2))} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/**
 * Return how long ago a time was, or how far in the future it is.
 * @param {string} time RFC 3339
 * @param {number} now milliseconds since 1970
 * @returns {string}
 */
export function formatRelativeTime(time, now) {
  const seconds = (now - Date.parse(time)) / 1000;
  if (Math.abs(seconds) < 5) return "now";
  const amount = formatRoughDuration(Math.abs(seconds));
  return seconds > 0 ? `${amount} ago` : `in ${amount}`;
}

/** @param {string} time RFC 3339 @returns {string} in the time zone of the browser, with milliseconds */
export function formatExactTime(time) {
  return new Date(time).toLocaleString(undefined, {
    dateStyle: "medium",
    timeStyle: "medium",
  });
}

/** @param {number} seconds @returns {string} */
function formatRoughDuration(seconds) {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86_400)} d`;
}
