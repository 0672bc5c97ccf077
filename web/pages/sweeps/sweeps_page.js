/** All sweeps: search and filter them, and see how far each is. */

import { html, useEffect, useRef, useState } from "../../vendor/ui.js";
import { EmptyState, ErrorNotice, Loading } from "../../components/feedback.js";
import { OwnershipFilter, parseOwnership } from "../../components/ownership_filter.js";
import { canEdit } from "../../core/account.js";
import { query as addressQuery, setQuery } from "../../core/router.js";
import { SweepsTable } from "./sweeps_table.js";
import { useSweepList } from "./use_sweep_list.js";

/** @import { OwnershipQuery } from "../../components/ownership_filter.js" */
/** @import { SweepState } from "../../core/sweep_types.js" */

/** @type {SweepState[]} */
const STATES = ["running", "paused", "succeeded", "cancelled", "failed"];
const SEARCH_DELAY_MS = 250;
const EXAMPLE = {
  name: "first sweep",
  base: {
    data: { dataset: "builtin:iris", target: { column: "target" }, split: { validation: { method: "random", train_fraction: 0.8 } } },
    network: { layers: [{ type: "Dense", units: 16, activation: "relu" }, { type: "Dense", units: 3, activation: "softmax" }] },
    training: { optimizer: "adam", loss: "sparse_categorical_crossentropy", metrics: ["accuracy"], epochs: 20 },
  },
  space: { "/training/optimizer/learning_rate": { log_uniform: [0.0001, 0.1] }, "/network/layers/0/units": { int: [4, 64], log: true } },
  search: "random",
  budget: 20,
};

export function SweepsPage() {
  const text = addressQuery.value.get("q") ?? "";
  const states = STATES.filter((state) => addressQuery.value.getAll("state").includes(state));
  const ownership = parseOwnership(addressQuery.value);
  const { page, error, reload, loadMore } = useSweepList({ text, states, ...ownership });
  const hasFilters = Boolean(text || states.length || ownership.owner || ownership.project);
  const isEmpty = page?.items.length === 0;
  return html`
    <div class="heading"><h1>Sweeps</h1>${canEdit() && html`<p><a class="button" href="/sweeps/new">New sweep</a></p>`}</div>
    ${(hasFilters || !isEmpty) && html`<${FilterBar} text=${text} states=${states} ownership=${ownership} />`}
    ${error && html`<${ErrorNotice} error=${error} onRetry=${reload} />`}
    ${!page && !error && html`<${Loading} label="Loading sweeps" />`}
    ${isEmpty && (hasFilters ? html`<${NoMatch} />` : html`<${NoSweeps} />`)}
    ${page && page.items.length > 0 && html`<${SweepsTable} sweeps=${page.items} />`}
    ${page?.next && html`<p class="load-more"><button type="button" onClick=${loadMore}>Load more</button></p>`}
  `;
}

/** @param {{text: string, states: SweepState[], ownership: OwnershipQuery}} properties */
function FilterBar({ text, states, ownership }) {
  const [value, setValue] = useState(text);
  const timer = useRef(0);
  useEffect(() => setValue(text), [text]);
  /** @param {string} changed */
  const search = (changed) => {
    setValue(changed);
    window.clearTimeout(timer.current);
    timer.current = window.setTimeout(() => setQuery({ q: changed.trim() }, { replace: true }), SEARCH_DELAY_MS);
  };
  /** @param {SweepState} state */
  const toggle = (state) => setQuery({ state: states.includes(state) ? states.filter((other) => other !== state) : [...states, state] });
  return html`
    <div class="filters">
      <input type="search" aria-label="Search the names of sweeps" placeholder="Search names" maxlength="200" value=${value}
        onInput=${(/** @type {any} */ event) => search(event.target.value)} />
      <div class="chips" role="group" aria-label="States">
        <button type="button" class="chip" aria-pressed=${states.length === 0} onClick=${() => setQuery({ state: null })}>All</button>
        ${STATES.map((state) => html`
          <button type="button" key=${state} class="chip" aria-pressed=${states.includes(state)} onClick=${() => toggle(state)}><span class="chip-label">${state}</span></button>`)}
      </div>
      <${OwnershipFilter} ...${ownership} />
    </div>
  `;
}

function NoMatch() {
  return html`
    <${EmptyState} title="No sweep matches these filters">
      <p><button type="button" onClick=${() => setQuery({ q: null, state: null, owner: null, project: null })}>Clear the filters</button></p>
    <//>
  `;
}

function NoSweeps() {
  const command = `curl ${window.location.origin}/v1/sweeps -H 'Content-Type: application/json' -d '${JSON.stringify(EXAMPLE)}'`;
  return html`
    <${EmptyState} title="There is no sweep yet" command=${command}>
      <p>A sweep trains one spec many times with other values. Open a job and choose “Vary this”,
        <a href="/sweeps/new">start a new sweep</a>, or submit this example from a terminal.</p>
    <//>
  `;
}
