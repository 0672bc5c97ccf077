/** A confusion matrix as a table. A darker cell has a greater share of the rows of its class. */

import { html } from "../../../vendor/ui.js";
import { formatCount } from "../../../core/format.js";

/** @import { Confusion } from "../job_types.js" */

/** @param {{confusion: Confusion}} properties */
export function ConfusionMatrix({ confusion }) {
  const { classes, matrix } = confusion;
  return html`
    <div class="scroll" tabindex="0" role="region" aria-label="Confusion matrix">
      <table class="confusion">
        <caption class="quiet">Rows are the actual classes, columns the predicted ones; percentages are of the row.</caption>
        <thead>
          <tr><th scope="col">Actual</th>${classes.map((name) => html`<th scope="col" key=${String(name)}>${String(name)}</th>`)}<th scope="col">Recall</th></tr>
        </thead>
        <tbody>
          ${matrix.map((counts, row) => html`
            <tr key=${row}>
              <th scope="row">${String(classes[row])}</th>
              ${counts.map((count, column) => html`<${Cell} key=${column} count=${count} total=${sum(counts)} isCorrect=${row === column} />`)}
              <td class="quiet">${formatShare(counts[row] ?? 0, sum(counts))}</td>
            </tr>
          `)}
        </tbody>
        <tfoot>
          <tr>
            <th scope="row">Precision</th>
            ${classes.map((_, column) => html`<td class="quiet" key=${column}>${formatShare(matrix[column]?.[column] ?? 0, sum(matrix.map((counts) => counts[column] ?? 0)))}</td>`)}
            <td></td>
          </tr>
        </tfoot>
      </table>
    </div>
  `;
}

/** @param {{count: number, total: number, isCorrect: boolean}} properties */
function Cell({ count, total, isCorrect }) {
  const share = total === 0 ? 0 : count / total;
  const color = isCorrect ? "var(--good)" : "var(--bad)";
  const background = `color-mix(in srgb, ${color} ${Math.round(share * 45)}%, transparent)`;
  return html`<td style=${{ background }} class=${count === 0 ? "quiet" : ""}>${formatCount(count)}${count > 0 && html` <small>${formatShare(count, total)}</small>`}</td>`;
}

/** @param {number[]} counts */
function sum(counts) {
  return counts.reduce((total, count) => total + count, 0);
}

/** @param {number} count @param {number} total */
function formatShare(count, total) {
  return total === 0 ? "–" : `${Number(((100 * count) / total).toPrecision(3))}%`;
}
