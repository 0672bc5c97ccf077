/** The first rows of a table, or the first items of each array. */

import { html } from "../../vendor/ui.js";
import { ErrorNotice, Loading } from "../../components/feedback.js";
import { useRequest } from "../../components/use_request.js";
import { formatCount } from "../../core/format.js";
import { formatNumber } from "./number_format.js";

/** @import { ArrayPreview, Cell, Preview } from "./types.js" */

const ROWS = 20;
const MAX_COLUMNS = 60;
const MAX_ITEMS = 5;
/** Values of an item that the server sends. */
const MAX_ITEM_VALUES = 20;

/** @param {{id: string}} properties */
export function PreviewCard({ id }) {
  const request = useRequest(`/v1/datasets/${encodeURIComponent(id)}/preview?rows=${ROWS}`);
  const preview = /** @type {Preview | null} */ (request.data);
  return html`
    <section class="card">
      <h2>${preview?.kind === "arrays" ? "First items" : "First rows"}</h2>
      ${request.error && html`<${ErrorNotice} error=${request.error} onRetry=${request.reload} />`}
      ${!preview && !request.error && html`<${Loading} label="Reading the first rows" />`}
      ${preview?.kind === "table" && html`<${RowsTable} columns=${preview.columns} rows=${preview.rows} columnsLeftOut=${preview.columns_left_out} totalRows=${preview.total_rows} />`}
      ${preview?.kind === "arrays" && preview.arrays.map((array) => html`<${ArrayItems} key=${array.name} array=${array} />`)}
    </section>
  `;
}

/** @param {{columns: string[], rows: Cell[][], columnsLeftOut: number, totalRows: number}} properties */
function RowsTable({ columns, rows, columnsLeftOut, totalRows }) {
  const shown = columns.slice(0, MAX_COLUMNS);
  const others = columns.length - shown.length + columnsLeftOut;
  const classes = shown.map((_, index) => (rows.every((row) => typeof (row[index] ?? 0) === "number") ? "number" : ""));
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label="First rows">
      <table class="preview">
        <thead><tr>${shown.map((name, index) => html`<th key=${name} class=${classes[index]} title=${name}>${name}</th>`)}</tr></thead>
        <tbody>${rows.map((row) => html`<tr>${shown.map((_, index) => html`<${PreviewCell} value=${row[index] ?? null} class=${classes[index]} />`)}</tr>`)}</tbody>
      </table>
    </div>
    <p class="quiet">
      ${formatCount(rows.length)} of ${formatCount(totalRows)} rows${others > 0 && html`, without ${formatCount(others)} further columns`}
    </p>
  `;
}

/** @param {{value: Cell, class: string | undefined}} properties */
function PreviewCell({ value, class: kind }) {
  if (value === null) return html`<td class=${`quiet ${kind}`} title="missing">–</td>`;
  return html`<td class=${kind} title=${String(value)}>${typeof value === "number" ? formatNumber(value) : String(value)}</td>`;
}

/** @param {{array: ArrayPreview}} properties */
function ArrayItems({ array }) {
  const items = array.items ?? [];
  const isCut = array.shape.slice(1).reduce((product, length) => product * length, 1) > MAX_ITEM_VALUES;
  return html`
    <h3><code>${array.name}</code> <span class="quiet">${array.type}, ${array.shape.map(formatCount).join(" × ")}</span></h3>
    ${array.items === null && html`<p class="quiet">The order of the file would require to read the whole array.</p>`}
    ${array.shape.length === 1
      ? html`<p class="items"><code>${items.map(formatItem).join(" ")}${items.length < (array.shape[0] ?? 0) && " …"}</code></p>`
      : html`<ol class="items">${items.slice(0, MAX_ITEMS).map((item) => html`<li><code>${formatItem(item)}${isCut && " …"}</code></li>`)}</ol>`}
  `;
}

/** @param {boolean | number | (boolean | number)[]} item @returns {string} */
function formatItem(item) {
  return (Array.isArray(item) ? item : [item]).map((value) => (typeof value === "number" ? formatNumber(value) : String(value))).join(" ");
}
