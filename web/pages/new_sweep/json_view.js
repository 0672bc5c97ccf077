/** The sweep as JSON, to read, to edit and to paste. */

import { html, useState } from "../../vendor/ui.js";
import { ErrorNotice } from "../../components/feedback.js";
import { formatSpec } from "../../core/spec_format.js";

/** @param {{document: any, onChange: (document: any) => void}} properties */
export function JsonView({ document, onChange }) {
  const [text, setText] = useState(/** @type {string | null} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const apply = () => {
    try {
      const parsed = JSON.parse(text ?? "");
      if (typeof parsed !== "object" || parsed === null || Array.isArray(parsed)) throw new Error("A sweep is a JSON object.");
      onChange(parsed);
      setText(null);
      setError(null);
    } catch (failure) {
      setError(failure);
    }
  };
  return html`
    <details class="json-view">
      <summary>The sweep as JSON</summary>
      <textarea rows="18" spellcheck=${false} aria-label="The sweep as JSON" value=${text ?? formatSpec(document)} onInput=${(/** @type {any} */ event) => setText(event.currentTarget.value)}></textarea>
      <p><button type="button" disabled=${text === null} onClick=${apply}>Take it over into the form</button>
        ${text !== null && html` <button type="button" onClick=${() => { setText(null); setError(null); }}>Discard</button>`}</p>
      ${Boolean(error) && html`<${ErrorNotice} error=${error} />`}
    </details>
  `;
}
