/** What a column or an array has: its range, a histogram or its most frequent values, and moments. */

import { html } from "../../vendor/ui.js";
import { formatCount } from "../../core/format.js";
import { Histogram } from "./histogram.js";
import { formatNumber } from "./number_format.js";
import { ValueBars } from "./value_bars.js";

/** @import { ArrayDescription, Column, ValueStatistics } from "./types.js" */

const MILLISECONDS_A_DAY = 86_400_000;

/** @param {{described: Column | ArrayDescription, statistics: ValueStatistics}} properties */
export function ValueSummary({ described, statistics }) {
  if (statistics.count === 0) return html`<span class="quiet">no values</span>`;
  const { histogram } = statistics;
  const format = chooseFormat(described);
  return html`
    ${histogram && html`<${Histogram} histogram=${histogram} name=${described.name} format=${format} />`}
    ${hasRange(described) && html`<div>${formatRange(described, statistics)}</div>`}
    ${histogram && html`<div class="quiet">${describeMoments(described, statistics)}</div>`}
    ${!histogram && statistics.most_frequent && html`<${ValueBars} statistics=${statistics} format=${format} />`}
    ${statistics.sampled && html`
      <div class="quiet">counted in ${formatCount(statistics.sampled)} of ${formatCount(statistics.count)} values, evenly spaced</div>
    `}
  `;
}

/** @param {Column | ArrayDescription} described @returns {boolean} */
export function hasRange({ minimum }) {
  return minimum !== null && minimum !== undefined;
}

/**
 * @param {Column | ArrayDescription} described
 * @param {ValueStatistics} [statistics]
 * @returns {string}
 */
export function formatRange(described, statistics) {
  if (statistics?.earliest && statistics.latest) return `${formatTime(statistics.earliest)} to ${formatTime(statistics.latest)}`;
  const format = chooseFormat(described);
  return described.minimum === described.maximum
    ? `always ${format(described.minimum)}`
    : `${format(described.minimum)} to ${format(described.maximum)}`;
}

/** @param {Column | ArrayDescription} described @param {ValueStatistics} statistics @returns {string} */
function describeMoments(described, { mean, standard_deviation: deviation, median }) {
  if ("stored_as" in described && described.stored_as) return "";
  return `mean ${formatNumber(mean)}, ± ${formatNumber(deviation)}, median ${formatNumber(median)}`;
}

/**
 * Return the function that writes a value of a column. Dates are numbers of days.
 * @param {Column | ArrayDescription} described
 * @returns {(value: any) => string}
 */
function chooseFormat(described) {
  if ("stored_as" in described && described.stored_as === "date") return formatDays;
  return (value) => (typeof value === "number" ? formatNumber(value) : String(value));
}

/** @param {number} days since 1970 @returns {string} */
function formatDays(days) {
  const time = new Date(Math.round(days * MILLISECONDS_A_DAY));
  if (Number.isNaN(time.getTime())) return formatNumber(days);
  const text = time.toISOString();
  return text.endsWith("T00:00:00.000Z") ? text.slice(0, 10) : text.slice(0, 16).replace("T", " ");
}

/** @param {string} time ISO 8601 @returns {string} */
function formatTime(time) {
  return time.replace("T", " ").replace(/\.\d+$/, "");
}
