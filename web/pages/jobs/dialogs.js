/** Dialogs that ask before the selected jobs change. */

import { html, useEffect, useRef, useState } from "../../vendor/ui.js";
import { toggleValue } from "./list_query.js";

/** @import { JobSummary } from "../../core/types.js" */

/** @param {{title: string, label: string, isDisabled?: boolean, onConfirm: () => void, onClose: () => void, children?: any}} properties */
export function ConfirmDialog({ title, label, isDisabled = false, onConfirm, onClose, children }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useEffect(() => dialog.current?.showModal(), []);
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    onConfirm();
  };
  return html`
    <dialog ref=${dialog} aria-labelledby="dialog-title" onClose=${onClose}>
      <form onSubmit=${submit}>
        <h2 id="dialog-title">${title}</h2>
        ${children}
        <p class="buttons">
          <button type="button" onClick=${onClose}>Back</button>
          <button type="submit" class=${label === "Delete" ? "danger" : "primary"} disabled=${isDisabled}>${label}</button>
        </p>
      </form>
    </dialog>
  `;
}

/** @param {{jobs: JobSummary[], onConfirm: (changes: {add_tags: string[], remove_tags: string[]}) => void, onClose: () => void}} properties */
export function TagDialog({ jobs, onConfirm, onClose }) {
  const [text, setText] = useState("");
  const [removed, setRemoved] = useState(/** @type {string[]} */ ([]));
  const present = [...new Set(jobs.flatMap((job) => job.tags))].sort();
  const added = parseTags(text);
  return html`
    <${ConfirmDialog}
      title=${`Tags of ${jobs.length === 1 ? "1 job" : `${jobs.length} jobs`}`}
      label="Save"
      isDisabled=${added.length + removed.length === 0}
      onConfirm=${() => onConfirm({ add_tags: added, remove_tags: removed })}
      onClose=${onClose}
    >
      <label>Add tags, separated by commas
        <input type="text" value=${text} maxlength="500" placeholder="night, baseline" onInput=${(/** @type {any} */ event) => setText(event.target.value)} />
      </label>
      ${present.length > 0 &&
      html`<fieldset>
        <legend>Remove tags</legend>
        ${present.map(
          (tag) => html`<label key=${tag}><input type="checkbox" checked=${removed.includes(tag)} onChange=${() => setRemoved(toggleValue(removed, tag))} /> ${tag}</label>`,
        )}
      </fieldset>`}
    <//>
  `;
}

/** @param {string} text @returns {string[]} */
export function parseTags(text) {
  return [...new Set(text.split(",").map((tag) => tag.trim()).filter(Boolean))];
}
