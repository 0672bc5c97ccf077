/** Predictions for all rows of a CSV file. */

import { html, useState } from "../../../vendor/ui.js";
import { ErrorNotice } from "../../../components/feedback.js";
import { send } from "../../../core/api.js";
import { saveFile } from "../save_file.js";
import { PredictionResult } from "./prediction_result.js";

/** @import { JobDetails } from "../job_types.js" */
/** @import { Predictions } from "./prediction_result.js" */

/** @param {{job: JobDetails}} properties */
export function FilePrediction({ job }) {
  const [file, setFile] = useState(/** @type {File | null} */ (null));
  const [result, setResult] = useState(/** @type {Predictions | null} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const path = `/v1/jobs/${job.id}/predict`;
  const choose = async (/** @type {any} */ event) => {
    const chosen = /** @type {File | undefined} */ (event.target.files[0]);
    setResult(null);
    setError(null);
    setFile(chosen ?? null);
    if (!chosen) return;
    try {
      const response = await send(path, buildRequest(chosen, "application/json"));
      setResult(await response.json());
    } catch (failure) {
      setError(failure);
    }
  };
  return html`
    <p class="file-prediction"><label>Or predict all rows of a CSV file <input type="file" accept=".csv,text/csv" onChange=${choose} /></label></p>
    ${error && html`<${ErrorNotice} error=${error} />`}
    ${result && file && html`
      <${PredictionResult} result=${result} />
      <p><button type="button" onClick=${() => saveFile(path, buildRequest(file, "text/csv"), `predictions-${file.name}`).catch(setError)}>Download all predictions as CSV</button></p>
    `}
  `;
}

/** @param {File} file @param {string} accept @returns {RequestInit} */
function buildRequest(file, accept) {
  return { method: "POST", headers: { "Content-Type": "text/csv", Accept: accept }, body: file };
}
