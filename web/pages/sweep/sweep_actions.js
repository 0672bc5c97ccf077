/** The buttons of a sweep. */

import { html, useState } from "../../vendor/ui.js";
import { ErrorNotice } from "../../components/feedback.js";
import { canEdit } from "../../core/account.js";
import { send, sendJson } from "../../core/api.js";
import { navigate } from "../../core/router.js";
import { ConfirmDialog } from "../../components/confirm_dialog.js";
import { SettingsForm } from "./settings_form.js";

/** @import { Sweep } from "../../core/sweep_types.js" */

/**
 * @typedef {object} SweepAction
 * @property {"pause" | "resume" | "finish" | "cancel" | "delete"} name
 * @property {string} label
 * @property {string} [question] before it is done
 */

/** @param {Sweep} sweep @returns {SweepAction[]} */
export function listSweepActions(sweep) {
  const isOver = sweep.finished_at !== null;
  const isEnding = sweep.ending !== null;
  /** @type {(SweepAction | false)[]} */
  const actions = [
    !isOver && sweep.state === "running" && { name: "pause", label: "Pause" },
    !isOver && sweep.state === "paused" && { name: "resume", label: "Resume" },
    !isOver && !isEnding && { name: "finish", label: "Finish", question: "Start no more trials, and let those that have started end?" },
    !isOver && { name: "cancel", label: "Cancel", question: "Cancel this sweep and all its jobs? They cannot be resumed." },
    { name: "delete", label: "Delete", question: "Delete this sweep with its trials, its jobs and their models? This cannot be undone." },
  ];
  return actions.filter((action) => action !== false);
}

/** @param {{sweep: Sweep, onChange: () => void}} properties */
export function SweepActions({ sweep, onChange }) {
  const [pending, setPending] = useState(/** @type {SweepAction | null} */ (null));
  const [isBusy, setBusy] = useState(false);
  const [isEditing, setEditing] = useState(false);
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const path = `/v1/sweeps/${sweep.id}`;
  const mayChange = canEdit(sweep.project);
  /** @param {SweepAction} action */
  const run = async ({ name }) => {
    setPending(null);
    setError(null);
    setBusy(true);
    try {
      if (name === "delete") {
        await send(path, { method: "DELETE" });
        navigate("/sweeps");
        return;
      }
      await sendJson("POST", `${path}/${name}`);
      onChange();
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
  };
  return html`
    <div class="job-actions" role="group" aria-label="Actions">
      ${sweep.method !== "list" && html`<a class="button" href=${`/sweeps/new?sweep=${sweep.id}`}>Edit and submit</a>`}
      ${mayChange && html`<button type="button" aria-expanded=${isEditing} onClick=${() => setEditing(!isEditing)}>${sweep.finished_at ? "Rename, tag" : "Change"}</button>`}
      ${mayChange && listSweepActions(sweep).map((action) => html`
        <button type="button" key=${action.name} disabled=${isBusy} class=${action.question ? "danger" : ""}
          onClick=${() => (action.question ? setPending(action) : run(action))}>${action.label}</button>`)}
    </div>
    ${pending && html`
      <${ConfirmDialog} title=${`${pending.label} the sweep`} label=${pending.label} onConfirm=${() => run(pending)} onClose=${() => setPending(null)}>
        <p>${pending.question}</p>
      <//>`}
    ${isEditing && html`<${SettingsForm} sweep=${sweep} onSave=${() => { setEditing(false); onChange(); }} onClose=${() => setEditing(false)} />`}
    ${error && html`<${ErrorNotice} error=${error} />`}
  `;
}
