/** The most frequent values of a column, each with a bar as long as its share of the rows. */

import { html } from "../../vendor/ui.js";
import { formatCount } from "../../core/format.js";

/** @import { ValueStatistics } from "./types.js" */

const MAX_BARS = 8;

/** @param {{statistics: ValueStatistics, format: (value: any) => string}} properties */
export function ValueBars({ statistics, format }) {
  const shown = chooseValues(statistics);
  const highest = Math.max(1, ...shown.map(({ count }) => count));
  return html`
    ${shown.length > 0 && html`
      <ul class="value-bars">
        ${shown.map(({ value, count }) => html`
          <li key=${String(value)}>
            <span class="value" title=${format(value)}>${format(value)}</span>
            <span class="bar" aria-hidden="true"><b style=${{ width: `${(100 * count) / highest}%` }}></b></span>
            <span class="count">${formatCount(count)}</span>
          </li>
        `)}
      </ul>
    `}
    <${Rest} statistics=${statistics} shown=${shown.length} />
  `;
}

/** @param {{statistics: ValueStatistics, shown: number}} properties */
function Rest({ statistics, shown }) {
  const { distinct } = statistics;
  if (distinct === null) return html`<div class="quiet">more than 1,000 different values</div>`;
  if (shown === 0) return html`<div class="quiet">${formatCount(distinct)} different values, one row each</div>`;
  const rest = distinct - shown;
  return rest > 0 ? html`<div class="quiet">and ${rest === 1 ? "one more value" : `${formatCount(rest)} more values`}</div>` : null;
}

/**
 * Return the values to show: the most frequent ones first, or numbers in their order if all of them are shown.
 * @param {ValueStatistics} statistics
 */
function chooseValues({ most_frequent: values, distinct }) {
  const shown = (values ?? []).slice(0, distinct !== null && distinct <= MAX_BARS + 2 ? MAX_BARS + 2 : MAX_BARS);
  const isOrdered = shown.length === distinct && shown.every(({ value }) => typeof value === "number");
  return isOrdered ? [...shown].sort((one, other) => Number(one.value) - Number(other.value)) : shown;
}
