/** The dialog that changes the tags of the selected jobs. */

import { html, useState } from "../../vendor/ui.js";
import { ConfirmDialog } from "../../components/confirm_dialog.js";
import { toggleValue } from "./list_query.js";

/** @import { JobSummary } from "../../core/types.js" */

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
