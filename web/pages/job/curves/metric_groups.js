/** Which metrics share a chart, and how their lines look. */

import { smoothValues } from "../../../components/chart/smoothing.js";
import { listValues } from "./history.js";

/** @import { CurveSeries } from "../../../components/chart/points.js" */
/** @import { Metric } from "../../../core/types.js" */
/** @import { HistoryColumns } from "./history.js" */

const VALIDATION = "val_";
const LEARNING_RATE = "learning_rate";
const STYLES = [
  { color: "--series-1", dash: [] },
  { color: "--series-2", dash: [6, 3] },
];

/**
 * Group metrics with those of the validation set, the loss first, the learning rate last.
 * @param {string[]} names
 * @returns {{title: string, names: string[]}[]}
 */
export function groupMetrics(names) {
  const titles = [...new Set(names.map(removePrefix))];
  titles.sort((a, b) => rankTitle(a) - rankTitle(b) || a.localeCompare(b));
  return titles.map((title) => ({ title, names: [title, VALIDATION + title].filter((name) => names.includes(name)) }));
}

/**
 * Build the lines of a chart. The best epoch is marked on the validation metric, or on the only one.
 * @param {HistoryColumns} history
 * @param {string[]} names
 * @param {Record<string, Metric>} metrics
 * @param {number} smoothing weight of the past; 0 for none
 * @returns {CurveSeries[]}
 */
export function buildSeries(history, names, metrics, smoothing) {
  const marked = names.at(-1) === LEARNING_RATE ? undefined : names.at(-1);
  return names.map((name) => {
    const values = listValues(history, name);
    const style = /** @type {typeof STYLES[0]} */ (STYLES[name.startsWith(VALIDATION) ? 1 : 0]);
    const best = name === marked ? (metrics[name]?.best_epoch ?? null) : null;
    const smoothed = smoothing > 0 ? { smoothed: smoothValues(values, smoothing) } : {};
    return { name, epochs: history.epochs, values, ...style, best, ...smoothed };
  });
}

/** @param {string} name */
function removePrefix(name) {
  return name.startsWith(VALIDATION) ? name.slice(VALIDATION.length) : name;
}

/** @param {string} title */
function rankTitle(title) {
  return title === "loss" ? 0 : title === LEARNING_RATE ? 2 : 1;
}
