/** The table of jobs: headers that sort, and a row per job. */

import { html } from "../../vendor/ui.js";
import { isTeam } from "../../core/account.js";
import { setQuery } from "../../core/router.js";
import { formatMetric } from "../../core/format.js";
import { JobStateLabel } from "../../components/job_state.js";
import { OwnerCell } from "../../components/ownership_filter.js";
import { RelativeTime } from "../../components/relative_time.js";
import { Sparkline } from "../../components/sparkline.js";
import { JobDuration, JobProgress } from "./job_progress.js";
import { chooseNextSort } from "./list_query.js";

/** @import { JobSummary } from "../../core/types.js" */
/** @import { ListQuery } from "./list_query.js" */
/** @import { Selection } from "./selection.js" */

/** @param {ListQuery} query */
function listColumns({ metric }) {
  return [
    { label: "State", sort: "state", kind: "column-state" },
    { label: "Name", sort: "name", kind: "column-name" },
    ...(isTeam.value ? [{ label: "Owner", sort: null, kind: "column-owner" }] : []),
    { label: "Dataset", sort: "dataset", kind: "column-dataset" },
    { label: metric, sort: null, kind: "column-sparkline" },
    { label: "Best", sort: `metrics.${metric}.best`, kind: "number column-best" },
    { label: "Last", sort: `metrics.${metric}.last`, kind: "number column-last" },
    { label: "Progress", sort: null, kind: "column-progress" },
    { label: "Started", sort: "started_at", kind: "column-started" },
    { label: "Duration", sort: "duration", kind: "number column-duration" },
  ];
}

/**
 * @param {{jobs: JobSummary[], query: ListQuery, selection: Selection, activeId: string | null,
 *   onActivate: (id: string) => void}} properties
 */
export function JobsTable({ jobs, query, selection, activeId, onActivate }) {
  const areAllSelected = jobs.length > 0 && jobs.every((job) => selection.has(job.id));
  return html`
    <table class="jobs">
      <caption class="visually-hidden">Jobs. Arrow keys move between rows, Enter opens a job, X selects it.</caption>
      <thead>
        <tr>
          <th class="column-select">
            <input type="checkbox" aria-label="Select all loaded jobs" checked=${areAllSelected} onChange=${() => selection.setAll(jobs, !areAllSelected)} />
          </th>
          ${listColumns(query).map((column) => html`<${ColumnHeader} key=${column.label} query=${query} ...${column} />`)}
        </tr>
      </thead>
      <tbody>
        ${jobs.map(
          (job, index) =>
            html`<${JobRow}
              key=${job.id}
              job=${job}
              metric=${query.metric}
              isSelected=${selection.has(job.id)}
              isFocusable=${job.id === activeId || (activeId === null && index === 0)}
              onToggle=${() => selection.toggle(job)}
              onActivate=${() => onActivate(job.id)}
            />`,
        )}
      </tbody>
    </table>
  `;
}

/** @param {{query: ListQuery, label: string, sort: string | null, kind: string}} properties */
function ColumnHeader({ query, label, sort, kind }) {
  if (!sort) return html`<th class=${kind} scope="col" title=${label}>${label}</th>`;
  const isSorted = query.sort === sort;
  const direction = query.order === "asc" ? "ascending" : "descending";
  return html`
    <th class=${kind} scope="col" aria-sort=${isSorted ? direction : undefined}>
      <button type="button" class="sort" title=${`Sort by ${label.toLowerCase()}`} onClick=${() => setQuery(chooseNextSort(query, sort))}>
        ${label}<span aria-hidden="true">${isSorted ? (query.order === "asc" ? " ↑" : " ↓") : ""}</span>
      </button>
    </th>
  `;
}

/**
 * @param {{job: JobSummary, metric: string, isSelected: boolean, isFocusable: boolean, onToggle: () => void,
 *   onActivate: () => void}} properties
 */
function JobRow({ job, metric, isSelected, isFocusable, onToggle, onActivate }) {
  const name = job.name ?? job.id.slice(0, 8);
  const values = job.metrics[metric];
  return html`
    <tr data-job=${job.id} class=${isSelected ? "selected" : ""} aria-selected=${isSelected} tabindex=${isFocusable ? 0 : -1} onFocus=${onActivate}>
      <td class="column-select"><input type="checkbox" aria-label=${`Select ${name}`} checked=${isSelected} onChange=${onToggle} tabindex="-1" /></td>
      <td class="column-state"><${JobStateLabel} state=${job.state} /></td>
      <td class="column-name"><a href=${`/jobs/${job.id}`} class=${job.name ? "" : "unnamed"}>${name}</a>${job.sweep && html`<a class="tag" href=${`/sweeps/${job.sweep.id}?trial=${job.sweep.trial}`} title="Open the sweep">trial ${job.sweep.trial}</a>`}<${JobTags} tags=${job.tags} /></td>
      ${isTeam.value && html`<${OwnerCell} owner=${job.owner} project=${job.project} />`}
      <td class="column-dataset"><button type="button" class="link" title=${`Show only jobs on ${job.dataset.name}`} onClick=${() => setQuery({ dataset: job.dataset.name })}>${job.dataset.name}</button></td>
      <td class="column-sparkline"><${Sparkline} values=${job.sparkline ?? []} label=${`Curve of ${metric}`} /></td>
      <td class="number column-best">${formatMetric(values?.best)}</td>
      <td class="number column-last quiet">${formatMetric(values?.last)}</td>
      <td class="column-progress"><${JobProgress} job=${job} /></td>
      <td class="column-started"><${RelativeTime} time=${job.started_at} /></td>
      <td class="number column-duration"><${JobDuration} job=${job} /></td>
    </tr>
  `;
}

/** @param {{tags: string[]}} properties */
function JobTags({ tags }) {
  return tags.map(
    (tag) => html`<button type="button" class="tag" title=${`Show only jobs with the tag ${tag}`} onClick=${() => setQuery({ tag: [tag] })}>${tag}</button>`,
  );
}
