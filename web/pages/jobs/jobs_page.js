/** All jobs: search, filter, sort and select them, and act on many at once. */

import { html, useEffect, useRef, useState } from "../../vendor/ui.js";
import { query as addressQuery, setQuery } from "../../core/router.js";
import { EmptyState, ErrorNotice, Loading } from "../../components/feedback.js";
import { FilterBar } from "./filter_bar.js";
import { useJobList } from "./job_list.js";
import { JobsTable } from "./jobs_table.js";
import { useListKeys } from "./keyboard.js";
import { DEFAULT_METRIC, hasFilters, parseListQuery } from "./list_query.js";
import { useSelection } from "./selection.js";
import { SelectionBar } from "./selection_bar.js";

/** @import { JobSummary } from "../../core/types.js" */

/** @type {JobSummary[]} */
const NO_JOBS = [];
const PRELOAD_MARGIN = "600px";
const EXAMPLE = {
  name: "first",
  data: { dataset: "builtin:iris", target: { column: "target" }, split: { validation: { method: "random", train_fraction: 0.8 } } },
  network: { layers: [{ type: "Dense", units: 16, activation: "relu" }, { type: "Dense", units: 3, activation: "softmax" }] },
  training: { optimizer: "adam", loss: "sparse_categorical_crossentropy", metrics: ["accuracy"], epochs: 50 },
};

export function JobsPage() {
  const query = parseListQuery(addressQuery.value);
  const list = useJobList(query);
  const jobs = list.jobs ?? NO_JOBS;
  const selection = useSelection(jobs);
  const [activeId, onActivate] = useState(/** @type {string | null} */ (null));
  useListKeys({ jobs, selection, activeId, onActivate });
  const isEmpty = list.jobs?.length === 0;
  return html`
    <h1 class="visually-hidden">Jobs</h1>
    ${!(isEmpty && !hasFilters(query)) && html`<${FilterBar} query=${query} counts=${list.counts} metrics=${listMetrics(jobs, query.metric)} />`}
    ${list.error && html`<${ErrorNotice} error=${list.error} onRetry=${list.reload} />`}
    ${!list.jobs && !list.error && html`<${Loading} label="Loading jobs" />`}
    ${isEmpty && (hasFilters(query) ? html`<${NoMatch} />` : html`<${NoJobs} />`)}
    ${jobs.length > 0 && html`<${JobsTable} jobs=${jobs} query=${query} selection=${selection} activeId=${activeId} onActivate=${onActivate} />`}
    ${list.next && html`<${LoadMore} isLoading=${list.isLoadingMore} onLoad=${list.loadMore} count=${jobs.length} />`}
    <${SelectionBar} selection=${selection} onDone=${list.reload} />
  `;
}

/**
 * Loads the next page before its place comes into view; the button is for those who do not scroll.
 * @param {{isLoading: boolean, onLoad: () => void, count: number}} properties
 */
function LoadMore({ isLoading, onLoad, count }) {
  const end = useRef(/** @type {HTMLElement | null} */ (null));
  useEffect(() => {
    const observer = new IntersectionObserver(([entry]) => entry?.isIntersecting && onLoad(), { rootMargin: PRELOAD_MARGIN });
    if (end.current) observer.observe(end.current);
    return () => observer.disconnect();
  }, [count]);
  return html`<p class="load-more" ref=${end}><button type="button" disabled=${isLoading} onClick=${onLoad}>${isLoading ? "Loading…" : "Load more"}</button></p>`;
}

function NoMatch() {
  return html`
    <${EmptyState} title="No job matches these filters">
      <p><button type="button" onClick=${() => setQuery({ q: null, state: null, tag: null, dataset: null, sweep: null })}>Clear the filters</button></p>
    <//>
  `;
}

function NoJobs() {
  const command = `curl ${window.location.origin}/v1/jobs -H 'Content-Type: application/json' -d '${JSON.stringify(EXAMPLE)}'`;
  return html`
    <${EmptyState} title="No jobs yet" command=${command}>
      <p>Write one in the <a href="/new">editor</a>, or submit this example from a terminal. It shows up here by itself.</p>
    <//>
  `;
}

/** @param {JobSummary[]} jobs @param {string} chosen */
function listMetrics(jobs, chosen) {
  const names = new Set([DEFAULT_METRIC, "val_loss", chosen]);
  for (const job of jobs) for (const name of Object.keys(job.metrics)) names.add(name);
  return [...names];
}
