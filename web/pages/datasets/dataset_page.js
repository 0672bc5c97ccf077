/** One version of a dataset: its columns, its format, its other versions, and the jobs that used it. */

import { html, useState } from "../../vendor/ui.js";
import { canEdit } from "../../core/account.js";
import { ErrorNotice, Loading } from "../../components/feedback.js";
import { JobStateLabel } from "../../components/job_state.js";
import { RelativeTime } from "../../components/relative_time.js";
import { useRequest } from "../../components/use_request.js";
import { buildQuery, sendJson } from "../../core/api.js";
import { formatBytes, formatCount } from "../../core/format.js";
import { navigate } from "../../core/router.js";
import { ArraysTable, ColumnsTable } from "./columns_table.js";
import { PreviewCard } from "./preview_card.js";

/** @import { JobSummary, Page } from "../../core/types.js" */
/** @import { CsvFormat, Dataset, DatasetSummary, Statistics } from "./types.js" */

const DELIMITERS = new Map([[",", "commas"], [";", "semicolons"], ["\t", "tabs"], ["|", "bars"]]);

/** @param {{id: string}} properties */
export function DatasetPage({ id }) {
  const request = useRequest(`/v1/datasets/${encodeURIComponent(id)}`);
  const dataset = /** @type {Dataset | null} */ (request.data);
  const heading = html`<h1 class="visually-hidden">Dataset</h1>`;
  if (request.error) return html`${heading}<${ErrorNotice} error=${request.error} onRetry=${request.reload} />`;
  if (!dataset) return html`${heading}<${Loading} label="Loading the dataset" />`;
  const { description } = dataset;
  return html`
    <${Heading} dataset=${dataset} />
    <div class="dataset-layout">
      <div>
        <${ContentsCard} dataset=${dataset} />
        <${PreviewCard} id=${id} />
      </div>
      <div>
        ${description.kind === "table" && html`<${TargetChooser} dataset=${dataset} />`}
        ${description.csv && html`<${FormatCard} format=${description.csv} />`}
        <${VersionsCard} dataset=${dataset} />
        <${JobsCard} dataset=${dataset} />
      </div>
    </div>
  `;
}

/** @param {{dataset: Dataset}} properties */
function ContentsCard({ dataset }) {
  const request = useRequest(`/v1/datasets/${dataset.id}/statistics`);
  const { columns, arrays, rows } = dataset.description;
  const loaded = /** @type {Statistics | null} */ (request.data);
  const statistics = new Map((loaded?.columns ?? loaded?.arrays ?? []).map((item) => [item.name, item]));
  return html`
    <section class="card">
      <h2>${columns ? "Columns" : "Arrays"}</h2>
      ${request.error && html`<${ErrorNotice} error=${request.error} onRetry=${request.reload} />`}
      ${loaded?.message && html`<p class="notice">${loaded.message}</p>`}
      ${columns && html`<${ColumnsTable} columns=${columns} rows=${rows ?? 0} statistics=${statistics} />`}
      ${arrays && html`<${ArraysTable} arrays=${arrays} statistics=${statistics} />`}
    </section>
  `;
}

/** @param {{dataset: Dataset}} properties */
function Heading({ dataset }) {
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const { rows, columns } = dataset.description;
  const counts = rows === undefined ? "" : `${formatCount(rows)} rows, ${formatCount(columns?.length ?? 0)} columns, `;
  const remove = async () => {
    if (!window.confirm(`Delete version ${dataset.version} of ${dataset.name}? Jobs that have ended keep its name.`)) return;
    try {
      await sendJson("DELETE", `/v1/datasets/${dataset.id}`);
      navigate("/datasets");
    } catch (failure) {
      setError(failure);
    }
  };
  return html`
    <div class="heading">
      <div>
        <h1>${dataset.name} <span class="tag">version ${dataset.version}</span></h1>
        <p class="quiet">${counts}${formatBytes(dataset.bytes)}, uploaded <${RelativeTime} time=${dataset.created_at} /></p>
      </div>
      ${canEdit(dataset.project) && html`<button type="button" class="danger" onClick=${remove}>Delete</button>`}
    </div>
    ${error && html`<${ErrorNotice} error=${error} />`}
  `;
}

/** @param {{dataset: Dataset}} properties */
function TargetChooser({ dataset }) {
  const columns = (dataset.description.columns ?? []).filter((column) => column.type !== "unsupported");
  const [target, setTarget] = useState(columns.at(-1)?.name ?? "");
  return html`
    <section class="card">
      <h2>Train on this dataset</h2>
      <div class="fields">
        <label>Target
          <select value=${target} onChange=${(/** @type {any} */ event) => setTarget(event.currentTarget.value)}>
            ${columns.map((column) => html`<option value=${column.name}>${column.name}</option>`)}
          </select>
        </label>
        <a class="button primary" href=${`/new${buildQuery({ dataset: dataset.name, target })}`}>New job</a>
      </div>
    </section>
  `;
}

/** @param {{format: CsvFormat}} properties */
function FormatCard({ format }) {
  const words = format.missing_values.length ? format.missing_values.join(" ") : "none beside the usual ones";
  return html`
    <section class="card">
      <h2>Format of the CSV file</h2>
      <dl class="definitions">
        <dt>Between fields</dt><dd>${DELIMITERS.get(format.delimiter) ?? format.delimiter}</dd>
        <dt>Decimal point</dt><dd>${format.decimal === "," ? "comma" : "point"}</dd>
        <dt>First line</dt><dd>${format.header ? "names of the columns" : "a row"}</dd>
        <dt>Missing values</dt><dd>${format.default_missing_values ? words : `only empty fields${format.missing_values.length ? ` and ${words}` : ""}`}</dd>
        ${format.compression && html`<dt>Compression</dt><dd>${format.compression}</dd>`}
      </dl>
    </section>
  `;
}

/** @param {{dataset: Dataset}} properties */
function VersionsCard({ dataset }) {
  const request = useRequest(`/v1/datasets${buildQuery({ name: dataset.name, limit: 20 })}`);
  const others = (/** @type {Page<DatasetSummary> | null} */ (request.data)?.items ?? []).filter(({ id }) => id !== dataset.id);
  if (others.length === 0) return null;
  return html`
    <section class="card">
      <h2>Other versions</h2>
      <ul class="plain">
        ${others.map((other) => html`<li><a href=${`/datasets/${other.id}`}>version ${other.version}</a> <${RelativeTime} time=${other.created_at} /></li>`)}
      </ul>
    </section>
  `;
}

/** @param {{dataset: Dataset}} properties */
function JobsCard({ dataset: { name, version } }) {
  const request = useRequest(`/v1/jobs${buildQuery({ dataset: name, limit: 8 })}`);
  const page = /** @type {Page<JobSummary> | null} */ (request.data);
  return html`
    <section class="card">
      <h2>Jobs on ${name}</h2>
      ${request.error && html`<${ErrorNotice} error=${request.error} onRetry=${request.reload} />`}
      ${page?.items.length === 0 && html`<p class="quiet">No job has used it yet.</p>`}
      <ul class="plain">
        ${page?.items.map((job) => html`<li key=${job.id}><${JobStateLabel} state=${job.state} /> <a href=${`/jobs/${job.id}`}>${job.name ?? job.id.slice(0, 13)}</a>${" "}
          <span class="quiet">${job.dataset.version !== version && `version ${job.dataset.version}, `}<${RelativeTime} time=${job.created_at} /></span></li>`)}
      </ul>
      ${page?.next && html`<a href=${`/jobs${buildQuery({ dataset: name })}`}>Show all</a>`}
    </section>
  `;
}
