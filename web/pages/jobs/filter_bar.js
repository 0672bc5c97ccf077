/** Search, filters and order of the list of jobs. All of them are in the address of the page. */

import { html, useEffect, useRef, useState } from "../../vendor/ui.js";
import { setQuery } from "../../core/router.js";
import { formatCount } from "../../core/format.js";
import { OwnershipFilter } from "../../components/ownership_filter.js";
import { STATES, chooseFirstOrder, toggleValue } from "./list_query.js";

/** @import { JobState } from "../../core/types.js" */
/** @import { ListQuery } from "./list_query.js" */

const SEARCH_DELAY_MS = 250;

/** @param {{query: ListQuery, counts: Record<JobState, number> | null, metrics: string[]}} properties */
export function FilterBar({ query, counts, metrics }) {
  return html`
    <div class="filters">
      <${SearchBox} text=${query.text} />
      <div class="chips" role="group" aria-label="States"><${StateChips} states=${query.states} counts=${counts} /></div>
      <label>Metric <select value=${query.metric} onChange=${(/** @type {any} */ event) => changeMetric(query, event.target.value)}>
        ${metrics.map((metric) => html`<option key=${metric} value=${metric}>${metric}</option>`)}
      </select></label>
      <${OwnershipFilter} owner=${query.owner} project=${query.project} />
      <${SortChoice} query=${query} />
    </div>
    <${ActiveFilters} query=${query} />
  `;
}

/** @param {{text: string}} properties */
function SearchBox({ text }) {
  const [value, setValue] = useState(text);
  const timer = useRef(/** @type {ReturnType<typeof setTimeout> | undefined} */ (undefined));
  useEffect(() => setValue(text), [text]);
  /** @param {string} changed */
  const search = (changed) => {
    setValue(changed);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setQuery({ q: changed.trim() }, { replace: true }), SEARCH_DELAY_MS);
  };
  return html`<input
    id="job-search"
    type="search"
    aria-label="Search names, tags and datasets"
    aria-keyshortcuts="/"
    placeholder="Search names, tags, datasets   /"
    maxlength="200"
    value=${value}
    onInput=${(/** @type {any} */ event) => search(event.target.value)}
  />`;
}

/** @param {{states: JobState[], counts: Record<JobState, number> | null}} properties */
function StateChips({ states, counts }) {
  const total = counts && Object.values(counts).reduce((sum, count) => sum + count, 0);
  const shown = STATES.filter((state) => states.includes(state) || (counts && counts[state] > 0));
  return html`
    <${Chip} label="All" count=${total} isPressed=${states.length === 0} onClick=${() => setQuery({ state: null })} />
    ${shown.map(
      (state) =>
        html`<${Chip} key=${state} label=${state} count=${counts?.[state]} isPressed=${states.includes(state)} onClick=${() => setQuery({ state: toggleValue(states, state) })} />`,
    )}
  `;
}

/** @param {{label: string, count: number | null | undefined, isPressed: boolean, onClick: () => void}} properties */
function Chip({ label, count, isPressed, onClick }) {
  return html`
    <button type="button" class="chip" aria-pressed=${isPressed} onClick=${onClick}>
      <span class="chip-label">${label}</span> ${count === null || count === undefined ? "" : formatCount(count)}
    </button>
  `;
}

/** @param {{query: ListQuery}} properties */
function SortChoice({ query }) {
  const { metric, sort, order } = query;
  const choices = [
    ["created_at", "Created"],
    ["started_at", "Started"],
    ["finished_at", "Finished"],
    ["duration", "Duration"],
    ["name", "Name"],
    ["state", "State"],
    ["dataset", "Dataset"],
    ["priority", "Priority"],
    [`metrics.${metric}.best`, `Best ${metric}`],
    [`metrics.${metric}.last`, `Last ${metric}`],
  ];
  const isAscending = order === "asc";
  return html`
    <span class="sort-choice">
      <label>Sort <select value=${sort} onChange=${(/** @type {any} */ event) => changeSort(event.target.value)}>
        ${choices.map(([value, label]) => html`<option key=${value} value=${value}>${label}</option>`)}
      </select></label>
      <button type="button" title=${isAscending ? "Ascending" : "Descending"} aria-label=${`Reverse the order, now ${isAscending ? "ascending" : "descending"}`} onClick=${() => setQuery({ sort, order: isAscending ? "desc" : "asc" })}>${isAscending ? "↑" : "↓"}</button>
    </span>
  `;
}

/** The filters that have no control of their own; a click removes one. @param {{query: ListQuery}} properties */
function ActiveFilters({ query }) {
  if (!query.dataset && !query.sweep && query.tags.length === 0) return null;
  return html`
    <p class="active-filters">
      ${query.sweep && html`<button type="button" class="chip" aria-pressed="true" aria-label="Remove the filter: jobs of one sweep" onClick=${() => setQuery({ sweep: null })}>sweep: ${query.sweep.slice(0, 8)} ×</button>
        <a href=${`/sweeps/${query.sweep}`}>Open the sweep</a>`}
      ${query.dataset && html`<button type="button" class="chip" aria-pressed="true" aria-label=${`Remove the filter: dataset ${query.dataset}`} onClick=${() => setQuery({ dataset: null })}>dataset: ${query.dataset} ×</button>`}
      ${query.tags.map((tag) => html`<button type="button" key=${tag} class="chip" aria-pressed="true" aria-label=${`Remove the filter: tag ${tag}`} onClick=${() => setQuery({ tag: toggleValue(query.tags, tag) })}>tag: ${tag} ×</button>`)}
    </p>
  `;
}

/** @param {string} sort */
function changeSort(sort) {
  setQuery({ sort: sort === "created_at" ? null : sort, order: sort === "created_at" ? null : chooseFirstOrder(sort) });
}

/** The order by a metric follows the chosen metric. @param {ListQuery} query @param {string} metric */
function changeMetric({ sort }, metric) {
  const column = /^metrics\..+\.(best|last)$/.exec(sort)?.[1];
  const changed = `metrics.${metric}.${column}`;
  setQuery({ metric, ...(column ? { sort: changed, order: chooseFirstOrder(changed) } : {}) });
}
