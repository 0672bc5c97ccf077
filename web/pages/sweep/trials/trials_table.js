/** The table of trials: headers that sort, a row per trial, and the details of the one that is open. */

import { html } from "../../../vendor/ui.js";
import { SweepStateLabel } from "../../../components/sweep_state.js";
import { formatValue } from "../../../components/plot/scales.js";
import { formatCount, formatMetric } from "../../../core/format.js";
import { describeDifference, formatInterval } from "./interval.js";
import { TrialDetails } from "./trial_details.js";
import { chooseNextOrder } from "./trial_order.js";

/** @import { Sweep } from "../../../core/sweep_types.js" */
/** @import { ParameterColumn, TrialRow } from "../trial_rows.js" */
/** @import { TrialOrder } from "./trial_order.js" */

/**
 * @param {{sweep: Sweep, rows: TrialRow[], columns: ParameterColumn[], order: TrialOrder, onOrder: (order: TrialOrder) => void,
 *   marked: Set<number>, onMark: (number: number) => void, opened: number | null, onOpen: (number: number | null) => void}} properties
 */
export function TrialsTable({ sweep, rows, columns, order, onOrder, marked, onMark, opened, onOpen }) {
  const hasIntervals = rows.some((row) => row.n > 1);
  const width = 6 + columns.length + (hasIntervals ? 1 : 0);
  const header = (/** @type {string} */ key, /** @type {string} */ label, kind = "", title = label) =>
    html`<${Header} id=${key} label=${label} kind=${kind} title=${title} order=${order} onOrder=${onOrder} />`;
  return html`
    <div class="scroll">
      <table class="trials compact">
        <thead>
          <tr>
            <th><span class="visually-hidden">Select</span></th>
            ${header("number", "Trial")}
            ${header("state", "State")}
            ${header("value", sweep.objective.metric, "number")}
            ${hasIntervals && html`<th title="95 % interval over repeats">Interval</th>`}
            ${columns.map(({ pointer, label }) => header(pointer, label, "number", pointer))}
            ${header("epochs", "Epochs", "number")}
            <th>Job</th>
          </tr>
        </thead>
        <tbody>
          ${rows.flatMap((row) => [
            html`<${TrialLine} key=${row.number} row=${row} columns=${columns} hasIntervals=${hasIntervals} isBest=${row.number === sweep.best?.trial}
              isMarked=${marked.has(row.number)} onMark=${onMark} isOpen=${row.number === opened} onOpen=${onOpen} />`,
            row.number === opened && html`<tr key=${`details-${row.number}`} class="details"><td colspan=${width}><${TrialDetails} sweep=${sweep} row=${row} /></td></tr>`,
          ])}
        </tbody>
      </table>
    </div>
  `;
}

/** @param {{id: string, label: string, kind: string, title: string, order: TrialOrder, onOrder: (order: TrialOrder) => void}} properties */
function Header({ id, label, kind, title, order, onOrder }) {
  const isSorted = order.key === id;
  return html`
    <th class=${kind} scope="col" aria-sort=${isSorted ? (order.isDescending ? "descending" : "ascending") : undefined}>
      <button type="button" class="sort" title=${`Sort by ${title}`} onClick=${() => onOrder(chooseNextOrder(order, id))}>
        ${label}<span aria-hidden="true">${isSorted ? (order.isDescending ? " ↓" : " ↑") : ""}</span>
      </button>
    </th>
  `;
}

/**
 * @param {{row: TrialRow, columns: ParameterColumn[], hasIntervals: boolean, isBest: boolean, isMarked: boolean,
 *   onMark: (number: number) => void, isOpen: boolean, onOpen: (number: number | null) => void}} properties
 */
function TrialLine({ row, columns, hasIntervals, isBest, isMarked, onMark, isOpen, onOpen }) {
  const isShort = row.state === "held" || row.state === "halted";
  const doubt = row.difference?.is_distinguishable === false;
  return html`
    <tr data-trial=${row.number} class=${`${isMarked ? "selected" : ""}${isBest ? " best" : ""}`}>
      <td><input type="checkbox" aria-label=${`Select trial ${row.number}`} checked=${isMarked} disabled=${!row.job} onChange=${() => onMark(row.number)} /></td>
      <td><button type="button" class="link" aria-expanded=${isOpen} title="Show the details" onClick=${() => onOpen(isOpen ? null : row.number)}>${row.number}</button></td>
      <td><${SweepStateLabel} state=${row.state} /></td>
      <td class=${`number ${isShort ? "quiet" : ""}`} title=${isShort ? `After ${row.epochs} epochs` : describeDifference(row.difference)}>
        ${isBest && html`<span class="best-mark" title="The best trial">★</span>`} ${formatMetric(row.value)}
      </td>
      ${hasIntervals && html`
        <td class="interval" title=${describeDifference(row.difference)}>${formatInterval(row.estimate)} <span class="quiet">n ${row.n}</span>${doubt && html` <span class="quiet">≈ best</span>`}</td>`}
      ${columns.map(({ pointer }) => html`<td key=${pointer} class="number" title=${title(row.parameters[pointer])}>${row.parameters[pointer] === null ? html`<span class="quiet">–</span>` : formatValue(row.parameters[pointer])}</td>`)}
      <td class="number">${formatCount(row.epochs)}</td>
      <td>${row.job ? html`<a href=${`/jobs/${row.job}`} aria-label=${`Job of trial ${row.number}`}>open</a>` : html`<span class="quiet">–</span>`}</td>
    </tr>
  `;
}

/** @param {any} value */
function title(value) {
  return value === null ? "This trial does not use the parameter" : JSON.stringify(value);
}
