/** What can be done to the selected jobs. */

import { html, useState } from "../../vendor/ui.js";
import { canEdit } from "../../core/account.js";
import { buildQuery, sendJson } from "../../core/api.js";
import { ErrorNotice } from "../../components/feedback.js";
import { ConfirmDialog } from "../../components/confirm_dialog.js";
import { TagDialog } from "./tag_dialog.js";
import { selectApplicable } from "./selection.js";

/** @import { JobSummary, ProblemDocument } from "../../core/types.js" */
/** @import { JobAction, Selection } from "./selection.js" */

/** @typedef {{id: string, ok: boolean, problem: ProblemDocument | null, job: JobSummary | null}} ActionResult */

const MAX_JOBS_OF_REQUEST = 200;
const MAX_COMPARED = 50;
/** @type {{action: JobAction, label: string}[]} */
const ACTIONS = [
  { action: "cancel", label: "Cancel" },
  { action: "pause", label: "Pause" },
  { action: "resume", label: "Resume" },
  { action: "finish", label: "Finish" },
  { action: "retry", label: "Retry" },
];

/** @param {{selection: Selection, onDone: () => void}} properties */
export function SelectionBar({ selection, onDone }) {
  const [outcome, setOutcome] = useState(/** @type {any} */ (null));
  const [dialog, setDialog] = useState(/** @type {"delete" | "tag" | null} */ (null));
  const [isBusy, setBusy] = useState(false);
  const { jobs } = selection;
  const mayChange = jobs.some((job) => canEdit(job.project));

  /** @param {JobAction} action @param {object} [changes] */
  const act = async (action, changes = {}) => {
    setDialog(null);
    setBusy(true);
    try {
      const results = await sendAction(action, selectApplicable(jobs, action), changes);
      setOutcome(describeFailures(results, jobs));
      if (action === "delete") selection.setAll(jobs.filter((job) => results.some(({ id, ok }) => ok && id === job.id)), false);
    } catch (error) {
      setOutcome(error);
    }
    setBusy(false);
    onDone();
  };

  return html`
    ${outcome && html`<${ErrorNotice} error=${outcome} onRetry=${undefined} />`}
    ${jobs.length > 0 &&
    html`
      <div class="selection" role="toolbar" aria-label="Selected jobs">
        <strong role="status">${jobs.length} selected</strong>
        <${CompareLink} jobs=${jobs} />
        ${mayChange && ACTIONS.map(
          ({ action, label }) =>
            html`<button type="button" key=${action} disabled=${isBusy || selectApplicable(jobs, action).length === 0} onClick=${() => act(action)}>${label}</button>`,
        )}
        ${mayChange && html`
          <button type="button" disabled=${isBusy} onClick=${() => setDialog("tag")}>Tag…</button>
          <button type="button" class="danger" disabled=${isBusy} onClick=${() => setDialog("delete")}>Delete…</button>`}
        <button type="button" class="clear" onClick=${selection.clear}>Clear</button>
      </div>
    `}
    ${dialog === "delete" &&
    html`<${ConfirmDialog} title=${`Delete ${countJobs(jobs.length)}?`} label="Delete" onConfirm=${() => act("delete")} onClose=${() => setDialog(null)}>
      <p>Their histories, models and files are deleted, too. Running jobs stop. This cannot be undone.</p>
    <//>`}
    ${dialog === "tag" && html`<${TagDialog} jobs=${jobs} onConfirm=${(/** @type {object} */ changes) => act("tag", changes)} onClose=${() => setDialog(null)} />`}
  `;
}

/** @param {{jobs: JobSummary[]}} properties */
function CompareLink({ jobs }) {
  if (jobs.length < 2 || jobs.length > MAX_COMPARED) {
    return html`<button type="button" disabled title=${`Select 2 to ${MAX_COMPARED} jobs to compare them`}>Compare</button>`;
  }
  return html`<a class="button" href=${`/compare${buildQuery({ job: jobs.map((job) => job.id) })}`}>Compare</a>`;
}

/**
 * @param {JobAction} action
 * @param {JobSummary[]} jobs
 * @param {object} changes
 * @returns {Promise<ActionResult[]>}
 */
async function sendAction(action, jobs, changes) {
  const results = [];
  for (let start = 0; start < jobs.length; start += MAX_JOBS_OF_REQUEST) {
    const ids = jobs.slice(start, start + MAX_JOBS_OF_REQUEST).map((job) => job.id);
    /** @type {{results: ActionResult[]}} */
    const response = await sendJson("POST", "/v1/jobs/actions", { action, ids, ...changes });
    results.push(...response.results);
  }
  return results;
}

/**
 * Return an error that names the jobs that refused, or null if there are none.
 * @param {ActionResult[]} results
 * @param {JobSummary[]} jobs
 */
export function describeFailures(results, jobs) {
  const failures = results.filter((result) => !result.ok);
  if (failures.length === 0) return null;
  const names = new Map(jobs.map((job) => [job.id, job.name ?? job.id.slice(0, 8)]));
  const sentences = failures.map(({ id, problem }) => `${names.get(id) ?? id}: ${problem?.detail ?? "refused"}`);
  return new Error(`${failures.length} of ${countJobs(results.length)} did not change. ${sentences.slice(0, 5).join(" ")}`);
}

/** @param {number} count */
function countJobs(count) {
  return count === 1 ? "1 job" : `${count} jobs`;
}
