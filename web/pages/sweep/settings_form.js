/** A form for what can change while a sweep runs: name, tags, budget, concurrency and priority. */

import { html, useState } from "../../vendor/ui.js";
import { ErrorNotice } from "../../components/feedback.js";
import { sendJson } from "../../core/api.js";
import { parseTags } from "../jobs/tag_dialog.js";

/** @import { Sweep } from "../../core/sweep_types.js" */

/** @param {{sweep: Sweep, onSave: () => void, onClose: () => void}} properties */
export function SettingsForm({ sweep, onSave, onClose }) {
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const { budget } = sweep;
  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const fields = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    try {
      await sendJson("PATCH", `/v1/sweeps/${sweep.id}`, readChanges(fields, sweep));
      onSave();
    } catch (failure) {
      setError(failure);
    }
  };
  return html`
    <form class="card settings-form" onSubmit=${submit} aria-label="Change the sweep">
      <label>Name <input name="name" defaultValue=${sweep.name ?? ""} maxlength="200" /></label>
      <label>Tags, separated by commas <input name="tags" defaultValue=${sweep.tags.join(", ")} /></label>
      ${!sweep.finished_at && html`
        <label>Trials <input name="trials" type="number" min="1" placeholder="no bound" defaultValue=${budget.trials ?? ""} /></label>
        <label>Epochs of all trials <input name="epochs" type="number" min="1" placeholder="no bound" defaultValue=${budget.epochs ?? ""} /></label>
        <label>Seconds of training <input name="seconds" type="number" min="0" step="any" placeholder="no bound" defaultValue=${budget.seconds ?? ""} /></label>
        <label>Trials at once <input name="max_concurrent" type="number" min="1" placeholder="default" defaultValue=${sweep.max_concurrent ?? ""} /></label>
        <label>Priority, 0 to 9 <input name="priority" type="number" min="0" max="9" required defaultValue=${sweep.priority} /></label>`}
      <p class="buttons">
        <button type="submit" class="primary">Save</button>
        <button type="button" onClick=${onClose}>Back</button>
      </p>
      ${error && html`<${ErrorNotice} error=${error} />`}
    </form>
  `;
}

/**
 * Return what the user changed, and no more, because others may change the sweep meanwhile.
 * @param {FormData} fields
 * @param {Sweep} sweep
 */
function readChanges(fields, sweep) {
  const number = (/** @type {string} */ name) => (fields.get(name) ? Number(fields.get(name)) : null);
  const name = String(fields.get("name") ?? "").trim() || null;
  const tags = parseTags(String(fields.get("tags") ?? ""));
  /** @type {Record<string, unknown>} */
  const changes = {};
  if (name !== sweep.name) changes.name = name;
  if (tags.join() !== sweep.tags.join()) changes.tags = tags;
  if (sweep.finished_at) return changes;
  const bounds = /** @type {const} */ (["trials", "epochs", "seconds"]).filter((bound) => number(bound) !== sweep.budget[bound]);
  if (bounds.length > 0) changes.budget = Object.fromEntries(bounds.map((bound) => [bound, number(bound)]));
  if (number("max_concurrent") !== sweep.max_concurrent) changes.max_concurrent = number("max_concurrent");
  if (Number(fields.get("priority")) !== sweep.priority) changes.priority = Number(fields.get("priority"));
  return changes;
}
