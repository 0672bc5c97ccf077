/** The form that proposes a first spec: a dataset, a target and a task. */

import { html, useEffect, useState } from "../../vendor/ui.js";
import { EmptyState, ErrorNotice, Loading } from "../../components/feedback.js";
import { buildQuery, getJson } from "../../core/api.js";

/** @typedef {{id: string, name: string, version: number}} DatasetItem */
/** @typedef {{task: string, spec: unknown, baseline: {metric: string, value: number | null, message: string}, notes: string[]}} Proposal */

/** @param {{dataset: string, target: string, onPropose: (proposal: Proposal) => void}} properties */
export function ProposalForm({ dataset: firstDataset, target: firstTarget, onPropose }) {
  const [datasets, setDatasets] = useState(/** @type {DatasetItem[] | null} */ (null));
  const [dataset, setDataset] = useState(firstDataset);
  const [targets, setTargets] = useState(/** @type {string[]} */ ([]));
  const [target, setTarget] = useState(firstTarget);
  const [task, setTask] = useState("");
  const [proposal, setProposal] = useState(/** @type {Proposal | null} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));

  useEffect(() => {
    loadDatasets().then((items) => {
      setDatasets(items);
      if (!items.some((item) => item.id === dataset)) setDataset(findDatasetId(items, dataset));
    }, setError);
  }, []);
  useEffect(() => {
    if (!datasets || !dataset) return;
    loadTargets(dataset).then((names) => {
      setTargets(names);
      if (!names.includes(target)) setTarget(names.at(-1) ?? "");
    }, setError);
  }, [dataset, datasets]);

  /** @param {Event} event */
  const propose = async (event) => {
    event.preventDefault();
    try {
      const query = buildQuery({ target, task });
      const next = /** @type {Proposal} */ (await getJson(`/v1/datasets/${encodeURIComponent(dataset)}/proposal${query}`));
      setError(null);
      setProposal(next);
      onPropose(next);
    } catch (failure) {
      setProposal(null);
      setError(failure);
    }
  };

  if (!datasets) return error ? html`<${ErrorNotice} error=${error} />` : html`<${Loading} label="Loading the datasets" />`;
  if (datasets.length === 0) {
    return html`<${EmptyState} title="No dataset yet" command="stackyard upload table.csv">
      <p>Upload one on the page <a href="/datasets">Datasets</a>, or with:</p>
    <//>`;
  }
  return html`
    <form class="proposal" onSubmit=${propose} aria-label="Propose a first network">
      <label>Dataset
        <select value=${dataset} onChange=${(/** @type {any} */ event) => setDataset(event.target.value)}>
          ${datasets.map((item) => html`<option value=${item.id}>${item.name}</option>`)}
        </select>
      </label>
      <label>Target
        <select value=${target} onChange=${(/** @type {any} */ event) => setTarget(event.target.value)}>
          ${targets.map((name) => html`<option value=${name}>${name}</option>`)}
        </select>
      </label>
      <label>Task
        <select value=${task} onChange=${(/** @type {any} */ event) => setTask(event.target.value)}>
          <option value="">by the target</option>
          <option value="classification">classification</option>
          <option value="regression">regression</option>
        </select>
      </label>
      <button type="submit" disabled=${!dataset || !target}>Propose a network</button>
    </form>
    ${Boolean(error) && html`<${ErrorNotice} error=${error} />`}
    ${proposal && html`<${ProposalNotes} proposal=${proposal} />`}
  `;
}

/** @param {{proposal: Proposal}} properties */
function ProposalNotes({ proposal }) {
  return html`
    <div class="notice" role="status">
      <p><strong>Baseline to beat:</strong> ${proposal.baseline.message}</p>
      ${proposal.notes.map((note) => html`<p>${note}</p>`)}
    </div>
  `;
}

/** @returns {Promise<DatasetItem[]>} the newest version of each dataset */
async function loadDatasets() {
  const page = /** @type {{items: DatasetItem[]}} */ (await getJson("/v1/datasets?limit=100"));
  return [...new Map(page.items.toReversed().map((item) => [item.name, item])).values()].toReversed();
}

/** @param {DatasetItem[]} items @param {string} name @returns {string} */
function findDatasetId(items, name) {
  return (items.find((item) => item.name === name) ?? items[0])?.id ?? "";
}

/** @param {string} id @returns {Promise<string[]>} the columns or arrays of a dataset */
async function loadTargets(id) {
  const { description } = /** @type {any} */ (await getJson(`/v1/datasets/${encodeURIComponent(id)}`));
  const items = /** @type {{name: string, type: string}[]} */ (description.columns ?? description.arrays);
  return items.filter((item) => item.type !== "unsupported").map((item) => item.name);
}
