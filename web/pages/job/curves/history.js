/** The history of metrics that the page holds: columns by epoch, which grow while the job runs. */

/** @import { CurveValue } from "../../../components/chart/points.js" */

/**
 * @typedef {object} HistoryColumns as the API sends them; epochs count from 0
 * @property {number[]} epochs
 * @property {Record<string, (number | null)[]>} metrics
 * @property {Record<string, Record<string, string>>} nonfinite
 */

/** @type {HistoryColumns} */
export const EMPTY_HISTORY = { epochs: [], metrics: {}, nonfinite: {} };

/**
 * Return a history in which new epochs replace all epochs from `fromEpoch` to `toEpoch`.
 * @param {HistoryColumns} history
 * @param {HistoryColumns} news
 * @param {number} fromEpoch
 * @param {number} [toEpoch] by default, the new epochs also replace all later ones
 * @returns {HistoryColumns}
 */
export function replaceEpochs(history, news, fromEpoch, toEpoch = Infinity) {
  const before = history.epochs.filter((epoch) => epoch < fromEpoch).length;
  const after = history.epochs.filter((epoch) => epoch <= toEpoch).length;
  const names = Object.keys({ ...history.metrics, ...news.metrics });
  return {
    epochs: [...history.epochs.slice(0, before), ...news.epochs, ...history.epochs.slice(after)],
    metrics: Object.fromEntries(names.map((name) => [name, joinColumn(history, news, name, before, after)])),
    nonfinite: Object.fromEntries(names.map((name) => [name, joinNonfinite(history, news, name, fromEpoch, toEpoch)])),
  };
}

/**
 * Return the values of a metric; those that are not finite are "NaN", "Infinity" and "-Infinity".
 * @param {HistoryColumns} history
 * @param {string} name
 * @returns {CurveValue[]}
 */
export function listValues(history, name) {
  const nonfinite = history.nonfinite[name] ?? {};
  const values = history.metrics[name] ?? [];
  return values.map((value, index) => value ?? nonfinite[String(history.epochs[index])] ?? null);
}

/**
 * @param {HistoryColumns} history
 * @param {HistoryColumns} news
 * @param {string} name
 * @param {number} before
 * @param {number} after
 */
function joinColumn(history, news, name, before, after) {
  const old = history.metrics[name] ?? new Array(history.epochs.length).fill(null);
  const added = news.metrics[name] ?? new Array(news.epochs.length).fill(null);
  return [...old.slice(0, before), ...added, ...old.slice(after)];
}

/**
 * @param {HistoryColumns} history
 * @param {HistoryColumns} news
 * @param {string} name
 * @param {number} fromEpoch
 * @param {number} toEpoch
 */
function joinNonfinite(history, news, name, fromEpoch, toEpoch) {
  const kept = Object.entries(history.nonfinite[name] ?? {}).filter(([epoch]) => Number(epoch) < fromEpoch || Number(epoch) > toEpoch);
  return { ...Object.fromEntries(kept), ...news.nonfinite[name] };
}
