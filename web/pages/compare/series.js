/** The lines of a comparison: one per job, or one with a band for the repeats of a spec. */

import { listValues } from "../job/curves/history.js";

/** @import { CurveSeries } from "../../components/chart/points.js" */
/** @import { JobSummary } from "../../core/types.js" */
/** @import { Comparison } from "./comparison_types.js" */

const COLOR_COUNT = 8;
const DASHES = [[], [6, 3], [2, 3], [10, 3, 2, 3]];

/**
 * Return the colour and the dashes of a line. Together they stay different for more lines than there are colours.
 * @param {number} index
 * @returns {{color: string, dash: number[]}}
 */
export function chooseLineStyle(index) {
  const dash = DASHES[Math.floor(index / COLOR_COUNT + (index % COLOR_COUNT)) % DASHES.length] ?? [];
  return { color: `--series-${(index % COLOR_COUNT) + 1}`, dash };
}

/** @param {JobSummary} job @returns {string} */
export function getJobLabel(job) {
  return `${job.name ?? "unnamed"} ${job.id.slice(-6)}`;
}

/**
 * Build the lines of one metric.
 * @param {Comparison} comparison
 * @param {string} metric
 * @param {boolean} showsBands whether repeats of a spec are one line with a band
 * @returns {CurveSeries[]}
 */
export function buildSeries(comparison, metric, showsBands) {
  const grouped = new Set(showsBands ? comparison.repeats.flatMap((repeats) => repeats.jobs) : []);
  const single = comparison.jobs.flatMap((job, index) => {
    const history = comparison.histories[index];
    if (grouped.has(index) || !history?.metrics[metric]) return [];
    return [{ name: getJobLabel(job), epochs: history.epochs, values: listValues(history, metric), ...chooseLineStyle(index) }];
  });
  return showsBands ? [...buildBands(comparison, metric), ...single] : single;
}

/**
 * @param {Comparison} comparison
 * @param {string} metric
 * @returns {CurveSeries[]}
 */
function buildBands(comparison, metric) {
  return comparison.repeats.flatMap(({ jobs, metrics }) => {
    const band = metrics[metric];
    const first = jobs[0] ?? 0;
    const job = comparison.jobs[first];
    if (!band || !job) return [];
    const name = `${job.name ?? "unnamed"}, mean of ${jobs.length}`;
    return [{ name, epochs: band.epochs, values: band.mean, band: { low: band.low, high: band.high }, ...chooseLineStyle(first) }];
  });
}

/**
 * Choose the metric that a comparison shows first.
 * @param {string[]} metrics
 * @returns {string}
 */
export function chooseMetric(metrics) {
  return ["val_loss", "loss"].find((name) => metrics.includes(name)) ?? metrics[0] ?? "";
}
