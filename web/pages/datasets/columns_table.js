/** The columns of a table, or the arrays of a file, with their types, missing values and what they have. */

import { html, useState } from "../../vendor/ui.js";
import { formatCount } from "../../core/format.js";
import { ValueSummary, formatRange, hasRange } from "./value_summary.js";

/** @import { ArrayDescription, Column, ValueStatistics } from "./types.js" */

const MAX_CATEGORIES = 12;
const PAGE_SIZE = 100;

/** @param {{columns: Column[], rows: number, statistics: Map<string, ValueStatistics>}} properties */
export function ColumnsTable({ columns, rows, statistics }) {
  const [shown, more] = usePart(columns, "columns");
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label="Columns">
      <table class="columns">
        <thead><tr><th>Column</th><th class="wide">Type</th><th>Missing</th><th>Values</th></tr></thead>
        <tbody>
          ${shown.map(
            (column) => html`
              <tr key=${column.name}>
                <td class="name"><code>${column.name}</code><div class="quiet narrow">${getTypeName(column)}</div></td>
                <td class="wide">${getTypeName(column)}</td>
                <td><${MissingShare} missing=${column.missing} rows=${rows} /></td>
                <td class="values"><${ColumnValues} column=${column} statistics=${statistics.get(column.name)} /></td>
              </tr>
            `,
          )}
        </tbody>
      </table>
    </div>
    ${more}
  `;
}

/** @param {{arrays: ArrayDescription[], statistics: Map<string, ValueStatistics>}} properties */
export function ArraysTable({ arrays, statistics }) {
  const [shown, more] = usePart(arrays, "arrays");
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label="Arrays">
      <table class="columns">
        <thead><tr><th>Array</th><th class="wide">Type</th><th>Shape</th><th>Values</th></tr></thead>
        <tbody>
          ${shown.map(
            (array) => html`
              <tr key=${array.name}>
                <td class="name"><code>${array.name}</code><div class="quiet narrow">${array.type}</div></td>
                <td class="wide">${array.type}</td>
                <td>${array.shape.map(formatCount).join(" × ")}</td>
                <td class="values"><${ArrayValues} array=${array} statistics=${statistics.get(array.name)} /></td>
              </tr>
            `,
          )}
        </tbody>
      </table>
    </div>
    ${more}
  `;
}

/**
 * Return the first items of a long list, and a button that shows more.
 * @template T
 * @param {T[]} items
 * @param {string} noun
 * @returns {[T[], any]}
 */
function usePart(items, noun) {
  const [size, setSize] = useState(PAGE_SIZE);
  const rest = items.length - size;
  const button = html`<p><button type="button" onClick=${() => setSize(size + PAGE_SIZE)}>Show more of ${formatCount(rest)} further ${noun}</button></p>`;
  return [items.slice(0, size), rest > 0 && button];
}

/** @param {Column} column @returns {string} */
function getTypeName(column) {
  return column.stored_as ?? column.type;
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

/** @param {{column: Column, statistics: ValueStatistics | undefined}} properties */
function ColumnValues({ column, statistics }) {
  if (column.type === "unsupported") return html`<span class="quiet">${column.reason}</span>`;
  const notes = [
    column.unnamed ? "has no name in the file, and is a feature only if a spec lists it" : "",
    column.missing_words?.length ? `${column.missing_words.join(", ")} counts as missing` : "",
  ].filter(Boolean);
  return html`
    ${statistics ? html`<${ValueSummary} described=${column} statistics=${statistics} />` : html`<${Categories} column=${column} />`}
    ${notes.map((note) => html`<div class="quiet">${note}</div>`)}
  `;
}

/** @param {{array: ArrayDescription, statistics: ValueStatistics | undefined}} properties */
function ArrayValues({ array, statistics }) {
  if (statistics) return html`<${ValueSummary} described=${array} statistics=${statistics} />`;
  return hasRange(array) ? formatRange(array) : null;
}

/**
 * The range or the categories of a column without statistics.
 * @param {{column: Column}} properties
 */
function Categories({ column }) {
  const categories = column.categories ?? [];
  if (hasRange(column) && (categories.length === 0 || categories.length > MAX_CATEGORIES)) return formatRange(column);
  const shown = categories.slice(0, MAX_CATEGORIES).map(String).join(", ");
  const rest = categories.length - MAX_CATEGORIES;
  return html`<span>${shown}</span>${rest > 0 && html` <span class="quiet">and ${formatCount(rest)} more</span>`}`;
}
