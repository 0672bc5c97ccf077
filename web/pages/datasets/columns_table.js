/** The columns of a table, or the arrays of a file, with their types, missing values and ranges. */

import { html } from "../../vendor/ui.js";
import { formatCount, formatMetric } from "../../core/format.js";

/** @import { ArrayDescription, Column } from "./types.js" */

const MAX_CATEGORIES = 12;

/** @param {{columns: Column[], rows: number}} properties */
export function ColumnsTable({ columns, rows }) {
  return html`
    <div class="scroll">
      <table class="columns">
        <thead><tr><th>Column</th><th>Type</th><th>Missing</th><th>Values</th></tr></thead>
        <tbody>
          ${columns.map(
            (column) => html`
              <tr key=${column.name}>
                <td class="name"><code>${column.name}</code></td>
                <td>${column.stored_as ?? column.type}</td>
                <td><${MissingShare} missing=${column.missing} rows=${rows} /></td>
                <td class="values"><${ColumnValues} column=${column} /></td>
              </tr>
            `,
          )}
        </tbody>
      </table>
    </div>
  `;
}

/** @param {{arrays: ArrayDescription[]}} properties */
export function ArraysTable({ arrays }) {
  return html`
    <table class="columns">
      <thead><tr><th>Array</th><th>Type</th><th>Shape</th><th>Range</th></tr></thead>
      <tbody>
        ${arrays.map(
          (array) => html`
            <tr key=${array.name}>
              <td class="name"><code>${array.name}</code></td>
              <td>${array.type}</td>
              <td>${array.shape.map(formatCount).join(" × ")}</td>
              <td>${formatRange(array)}</td>
            </tr>
          `,
        )}
      </tbody>
    </table>
  `;
}

/** @param {{missing: number, rows: number}} properties */
function MissingShare({ missing, rows }) {
  if (missing === 0) return html`<span class="quiet">none</span>`;
  const percentage = (100 * missing) / Math.max(1, rows);
  return html`
    <span class="share" aria-hidden="true"><b style=${{ width: `${percentage}%` }}></b></span>
    ${formatCount(missing)} <span class="quiet">(${percentage < 0.1 ? "<0.1" : percentage.toFixed(1)} %)</span>
  `;
}

/** @param {{column: Column}} properties */
function ColumnValues({ column }) {
  if (column.type === "unsupported") return html`<span class="quiet">${column.reason}</span>`;
  const notes = [
    column.unnamed ? "has no name in the file, and is a feature only if a spec lists it" : "",
    column.missing_words?.length ? `${column.missing_words.join(", ")} counts as missing` : "",
  ].filter(Boolean);
  const categories = column.categories ?? [];
  const shown = categories.slice(0, MAX_CATEGORIES).map(String).join(", ");
  const rest = categories.length - MAX_CATEGORIES;
  const isRange = column.minimum !== null && column.minimum !== undefined && (categories.length === 0 || categories.length > MAX_CATEGORIES);
  return html`
    ${isRange ? formatRange(column) : html`<span>${shown}</span>${rest > 0 && html` <span class="quiet">and ${formatCount(rest)} more</span>`}`}
    ${notes.map((note) => html`<div class="quiet">${note}</div>`)}
  `;
}

/** @param {{minimum?: number | null, maximum?: number | null}} values @returns {string} */
function formatRange({ minimum, maximum }) {
  return minimum === null || minimum === undefined ? "" : `${formatMetric(minimum)} to ${formatMetric(maximum)}`;
}
