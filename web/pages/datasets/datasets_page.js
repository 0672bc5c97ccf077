/** All datasets, newest first, and the form that uploads a file. */

import { html, useState } from "../../vendor/ui.js";
import { EmptyState, ErrorNotice, Loading } from "../../components/feedback.js";
import { RelativeTime } from "../../components/relative_time.js";
import { useRequest } from "../../components/use_request.js";
import { OwnerCell, OwnershipFilter, parseOwnership } from "../../components/ownership_filter.js";
import { canEdit, isTeam } from "../../core/account.js";
import { buildQuery, getJson } from "../../core/api.js";
import { query as addressQuery } from "../../core/router.js";
import { formatBytes } from "../../core/format.js";
import { UploadForm } from "./upload_form.js";

/** @import { Page } from "../../core/types.js" */
/** @import { DatasetSummary } from "./types.js" */

const PAGE_SIZE = 50;
const COMMAND = 'curl "localhost:8000/v1/datasets?name=wine" -H "Content-Type: text/csv" --data-binary @examples/wine.csv';

export function DatasetsPage() {
  const ownership = parseOwnership(addressQuery.value);
  const filters = buildQuery({ limit: PAGE_SIZE, ...ownership });
  const first = useRequest(`/v1/datasets${filters}`);
  const page = /** @type {Page<DatasetSummary> | null} */ (first.data);
  return html`
    <h1>Datasets</h1>
    ${canEdit() && html`<${UploadForm} />`}
    ${isTeam.value && html`<div class="filters"><${OwnershipFilter} ...${ownership} /></div>`}
    ${first.error && html`<${ErrorNotice} error=${first.error} onRetry=${first.reload} />`}
    ${!page && !first.error && html`<${Loading} label="Loading datasets" />`}
    ${page?.items.length === 0 && html`<${NoDatasets} />`}
    ${page && page.items.length > 0 && html`<${DatasetList} key=${filters} first=${page} filters=${filters} />`}
  `;
}

function NoDatasets() {
  return html`<${EmptyState} title="There is no dataset yet" command=${COMMAND}><p>Drop a file above, or upload one from a terminal:</p><//>`;
}

/** @param {{first: Page<DatasetSummary>, filters: string}} properties */
function DatasetList({ first, filters }) {
  const [more, setMore] = useState({ items: /** @type {DatasetSummary[]} */ ([]), next: first.next });
  const [text, setText] = useState("");
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const load = async () => {
    try {
      const page = await getJson(`/v1/datasets${filters}&cursor=${more.next}`);
      setMore({ items: [...more.items, ...page.items], next: page.next });
    } catch (failure) {
      setError(failure);
    }
  };
  const datasets = [...first.items, ...more.items].filter((dataset) => dataset.name.toLowerCase().includes(text.toLowerCase()));
  return html`
    <label class="visually-hidden" for="dataset-search">Search datasets by name</label>
    <input id="dataset-search" type="search" placeholder="Search by name" value=${text} onInput=${(/** @type {any} */ event) => setText(event.currentTarget.value)} />
    <table class="datasets">
      <thead><tr><th>Name</th>${isTeam.value && html`<th class="column-owner">Owner</th>`}<th class="number">Version</th><th class="wide">Type</th><th class="number">Size</th><th>Created</th></tr></thead>
      <tbody>${datasets.map((dataset) => html`<${DatasetRow} key=${dataset.id} dataset=${dataset} />`)}</tbody>
    </table>
    ${error && html`<${ErrorNotice} error=${error} onRetry=${load} />`}
    ${more.next && html`<p><button type="button" onClick=${load}>Load more</button></p>`}
  `;
}

/** @param {{dataset: DatasetSummary}} properties */
function DatasetRow({ dataset }) {
  return html`
    <tr>
      <td class="name"><a href=${`/datasets/${dataset.id}`}>${dataset.name}</a></td>
      ${isTeam.value && html`<${OwnerCell} owner=${dataset.owner} project=${dataset.project} />`}
      <td class="number">${dataset.version}</td>
      <td class="wide quiet">${dataset.media_type}</td>
      <td class="number">${formatBytes(dataset.bytes)}</td>
      <td class="quiet"><${RelativeTime} time=${dataset.created_at} /></td>
    </tr>
  `;
}
