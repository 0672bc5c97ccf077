/** Files of a job. */

import { html, useState } from "../../vendor/ui.js";
import { ErrorNotice } from "../../components/feedback.js";
import { saveFile } from "./save_file.js";

/** @import { JobDetails } from "./job_types.js" */

/** @param {{job: JobDetails, hasEpochs: boolean}} properties */
export function DownloadsCard({ job, hasEpochs }) {
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const path = `/v1/jobs/${job.id}`;
  const name = (job.name || job.id).replace(/[^\p{L}\p{N}._-]+/gu, "-");
  const saveHistory = () => saveFile(`${path}/history`, { headers: { Accept: "text/csv" } }, `${name}-history.csv`).catch(setError);
  return html`
    <section class="card">
      <h2>Downloads</h2>
      <ul class="downloads">
        ${job.state === "succeeded" && html`
          <li><a href=${`${path}/model`} download=${`${name}.keras`}>Model, .keras</a></li>
          <li><a href=${`${path}/summary`} download=${`${name}-summary.txt`}>Summary of the layers, .txt</a></li>`}
        ${hasEpochs && html`
          <li><button type="button" class="link" onClick=${saveHistory}>History, .csv</button></li>
          <li>Curve, <a href=${`${path}/curve.svg`} download=${`${name}-curve.svg`}>.svg</a> or <a href=${`${path}/curve.png`} download=${`${name}-curve.png`}>.png</a></li>`}
        ${job.evaluation && html`
          <li>Evaluation, <a href=${`${path}/evaluation.svg`} download=${`${name}-evaluation.svg`}>.svg</a> or <a href=${`${path}/evaluation.png`} download=${`${name}-evaluation.png`}>.png</a></li>`}
        <li><a href=${`${path}/script`} download=${`${name}.py`}>Script of stock Keras, .py</a></li>
      </ul>
      ${job.state !== "succeeded" && html`<p class="quiet">The model can be downloaded after the job has succeeded.</p>`}
      ${error && html`<${ErrorNotice} error=${error} />`}
    </section>
  `;
}
