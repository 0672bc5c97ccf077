/** The trials of a sweep as a table: filter by state, sort, open, and compare. */

import { html, useMemo, useState } from "../../../vendor/ui.js";
import { ErrorNotice } from "../../../components/feedback.js";
import { buildQuery } from "../../../core/api.js";
import { formatCount } from "../../../core/format.js";
import { saveFile } from "../../job/save_file.js";
import { BEST_FIRST, sortRows } from "./trial_order.js";
import { TrialsTable } from "./trials_table.js";

/** @import { Sweep, TrialState } from "../../../core/sweep_types.js" */
/** @import { ParameterColumn, TrialRow } from "../trial_rows.js" */

/** @type {TrialState[]} */
const STATES = ["complete", "running", "waiting", "held", "halted", "diverged", "failed", "invalid"];
const PAGE_SIZE = 100;
const MAX_COMPARED = 50;

/**
 * @param {object} properties
 * @param {Sweep} properties.sweep
 * @param {TrialRow[]} properties.rows the best first
 * @param {ParameterColumn[]} properties.columns
 * @param {Set<number> | null} properties.selected numbers of the trials that the charts let through; null is all
 * @param {number | null} properties.opened the trial whose details show
 * @param {(number: number | null) => void} properties.onOpen
 */
export function TrialsCard({ sweep, rows, columns, selected, opened, onOpen }) {
  const [states, setStates] = useState(/** @type {TrialState[]} */ ([]));
  const [order, setOrder] = useState(BEST_FIRST);
  const [limit, setLimit] = useState(PAGE_SIZE);
  const [marked, setMarked] = useState(/** @type {Set<number>} */ (new Set()));
  const shown = useMemo(() => {
    const matching = rows.filter((row) => (states.length === 0 || states.includes(row.state)) && (!selected || selected.has(row.number)));
    return sortRows(matching, order);
  }, [rows, states, selected, order]);
  /** @param {TrialState} state */
  const toggleState = (state) => setStates(states.includes(state) ? states.filter((other) => other !== state) : [...states, state]);
  /** @param {number} number */
  const toggleMark = (number) => setMarked(new Set(marked.has(number) ? [...marked].filter((other) => other !== number) : [...marked, number]));
  const visible = shown.slice(0, limit);
  const openedRow = opened === null ? undefined : shown.find((row) => row.number === opened);
  if (openedRow && !visible.includes(openedRow)) visible.unshift(openedRow);
  return html`
    <section class="card trials-card" aria-label="Trials">
      <div class="plot-heading">
        <h2>Trials <span class="quiet">${shown.length === rows.length ? formatCount(rows.length) : `${formatCount(shown.length)} of ${formatCount(rows.length)}`}</span></h2>
        <div class="chips" role="group" aria-label="States">
          ${STATES.filter((state) => sweep.counts[state] > 0).map((state) => html`
            <button type="button" key=${state} class="chip" aria-pressed=${states.includes(state)} onClick=${() => toggleState(state)}>
              <span class="chip-label">${state}</span> ${formatCount(sweep.counts[state])}
            </button>`)}
        </div>
        <${CsvButton} sweep=${sweep} />
      </div>
      <${TrialsTable} sweep=${sweep} rows=${visible} columns=${columns} order=${order} onOrder=${setOrder} marked=${marked} onMark=${toggleMark} opened=${opened} onOpen=${onOpen} />
      ${shown.length === 0 && html`<p class="quiet">No trial matches the filters.</p>`}
      ${shown.length > limit && html`<p class="load-more"><button type="button" onClick=${() => setLimit(limit + PAGE_SIZE)}>Show more</button></p>`}
      ${marked.size > 0 && html`<${MarkedBar} rows=${rows.filter((row) => marked.has(row.number))} onClear=${() => setMarked(new Set())} />`}
    </section>
  `;
}

/** @param {{rows: TrialRow[], onClear: () => void}} properties */
function MarkedBar({ rows, onClear }) {
  const jobs = rows.flatMap((row) => row.job ?? []);
  const canCompare = jobs.length >= 2 && jobs.length <= MAX_COMPARED;
  return html`
    <div class="selection" role="toolbar" aria-label="Selected trials">
      <strong role="status">${rows.length} selected</strong>
      ${canCompare
        ? html`<a class="button" href=${`/compare${buildQuery({ job: jobs })}`}>Compare</a>`
        : html`<button type="button" disabled title=${`Select 2 to ${MAX_COMPARED} trials to compare them`}>Compare</button>`}
      <button type="button" class="clear" onClick=${onClear}>Clear</button>
    </div>
  `;
}

/** @param {{sweep: Sweep}} properties */
function CsvButton({ sweep }) {
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const name = (sweep.name ?? sweep.id).replace(/[^\p{L}\p{N}._-]+/gu, "-");
  const save = () => saveFile(`/v1/sweeps/${sweep.id}/table`, { headers: { Accept: "text/csv" } }, `${name}-trials.csv`).catch(setError);
  return html`<button type="button" class="link" onClick=${save}>Download as .csv</button>${error && html`<${ErrorNotice} error=${error} />`}`;
}
