/** The form for one row. */

import { html, useState } from "../../../vendor/ui.js";
import { getJson } from "../../../core/api.js";

/** @import { JobDetails } from "../job_types.js" */
/** @import { Field } from "./prediction_fields.js" */

const SAMPLE_ROWS = 20;

/**
 * @param {object} properties
 * @param {JobDetails} properties.job
 * @param {Field[]} properties.fields
 * @param {Record<string, string>} properties.messages errors by column
 * @param {boolean} properties.isBusy
 * @param {(texts: Record<string, string>) => void} properties.onPredict
 */
export function PredictionForm({ job, fields, messages, isBusy, onPredict }) {
  const [texts, setTexts] = useState(/** @type {Record<string, string>} */ ({}));
  const submit = (/** @type {Event} */ event) => {
    event.preventDefault();
    onPredict(texts);
  };
  const fill = async () => setTexts(await loadSample(job, fields));
  return html`
    <form class="prediction-form" onSubmit=${submit}>
      <div class="prediction-fields">
        ${fields.map((field) => html`
          <${FieldInput} key=${field.name} field=${field} text=${texts[field.name] ?? ""} message=${messages[field.name]}
            onInput=${(/** @type {string} */ text) => setTexts({ ...texts, [field.name]: text })} />
        `)}
      </div>
      <div class="job-actions">
        <button type="submit" class="primary" disabled=${isBusy}>${isBusy ? "Predicting…" : "Predict"}</button>
        <button type="button" onClick=${fill}>Fill in a sample row</button>
        <button type="button" onClick=${() => setTexts({})}>Clear</button>
      </div>
    </form>
  `;
}

/** @param {{field: Field, text: string, message: string | undefined, onInput: (text: string) => void}} properties */
function FieldInput({ field, text, message, onInput }) {
  const shared = {
    value: text,
    "aria-invalid": message ? "true" : undefined,
    onInput: (/** @type {any} */ event) => onInput(event.target.value),
  };
  return html`
    <label>
      <span class="field-name">${field.name}</span>
      ${field.kind === "select"
        ? html`<select ...${shared}><option value="">missing</option>${field.options.map((option) => html`<option key=${String(option)} value=${String(option)}>${String(option)}</option>`)}</select>`
        : html`<input ...${shared} inputmode=${field.kind === "number" ? "decimal" : "text"} placeholder=${field.hint} />`}
      ${message && html`<span class="field-error" role="alert">${message}</span>`}
    </label>
  `;
}

/**
 * Return a row of the dataset or, without a preview, typical values.
 * @param {JobDetails} job
 * @param {Field[]} fields
 * @returns {Promise<Record<string, string>>}
 */
async function loadSample(job, fields) {
  try {
    const preview = /** @type {{columns: string[], rows: unknown[][]}} */ (await getJson(`/v1/datasets/${job.dataset.id}/preview?rows=${SAMPLE_ROWS}`));
    const row = preview.rows[Math.floor(Math.random() * preview.rows.length)] ?? [];
    return Object.fromEntries(preview.columns.map((name, index) => [name, row[index] === null ? "" : String(row[index])]));
  } catch {
    return Object.fromEntries(fields.map((field) => [field.name, field.sample]));
  }
}
