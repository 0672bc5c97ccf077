/** The best trial so far: its value, its parameters, and where to get its model. */

import { html } from "../../vendor/ui.js";
import { useRequest } from "../../components/use_request.js";
import { formatValue } from "../../components/plot/scales.js";
import { formatMetric } from "../../core/format.js";
import { formatInterval } from "./trials/interval.js";

/** @import { Sweep, Trial } from "../../core/sweep_types.js" */
/** @import { ParameterColumn, TrialRow } from "./trial_rows.js" */

/** @typedef {{trial: Trial, job: string | null, links: {job: string, model: string, script: string, spec: string} | null}} BestTrial */

/** @param {{sweep: Sweep, rows: TrialRow[], columns: ParameterColumn[]}} properties */
export function BestCard({ sweep, rows, columns }) {
  const number = sweep.best?.trial;
  // The number in the query loads the links again when another trial is the best.
  const request = useRequest(number === undefined ? null : `/v1/sweeps/${sweep.id}/best?trial=${number}`);
  const best = /** @type {BestTrial | null} */ (request.data);
  const row = rows.find((one) => one.number === number);
  if (number === undefined || !row) return html`<section class="card"><h2>Best trial</h2><p class="quiet">No trial is complete yet.</p></section>`;
  const used = columns.filter(({ pointer }) => row.parameters[pointer] !== null);
  const interval = formatInterval(row.estimate);
  return html`
    <section class="card best-trial" aria-label="Best trial">
      <h2>Best: trial ${number}</h2>
      <p class="best-value"><b>${formatMetric(sweep.best?.value)}</b> ${interval && html`<span class="quiet">${interval}, ${row.n} repeats</span> `}<span class="quiet">${sweep.objective.metric}</span></p>
      <dl class="definitions">
        ${used.map(({ pointer, label }) => html`<dt title=${pointer}>${label}</dt><dd title=${JSON.stringify(row.parameters[pointer])}>${formatValue(row.parameters[pointer])}</dd>`)}
      </dl>
      ${best?.job && best.trial.number === number && html`<${BestLinks} job=${best.job} name=${`${sweep.name ?? "sweep"}-trial-${number}`} />`}
      ${best && !best.job && html`<p class="quiet">Its jobs were deleted.</p>`}
      <${Doubts} rows=${rows} />
    </section>
  `;
}

/** @param {{job: string, name: string}} properties */
function BestLinks({ job, name }) {
  const file = name.replace(/[^\p{L}\p{N}._-]+/gu, "-");
  return html`
    <div class="job-actions">
      <a class="button primary" href=${`/jobs/${job}`}>Open the job</a>
      <a class="button" href=${`/v1/jobs/${job}/model`} download=${`${file}.keras`}>Model</a>
      <a class="button" href=${`/v1/jobs/${job}/script`} download=${`${file}.py`}>Script</a>
      <a class="button" href=${`/new?from=${job}`}>Spec</a>
    </div>
  `;
}

/** How many other trials may be as good, where repeats say so. @param {{rows: TrialRow[]}} properties */
function Doubts({ rows }) {
  const equals = rows.filter((row) => row.difference?.is_distinguishable === false);
  if (equals.length === 0) return null;
  const numbers = equals.slice(0, 5).map((row) => row.number).join(", ");
  return html`<p class="quiet">Its repeats do not tell it from ${equals.length === 1 ? `trial ${numbers}` : `${equals.length} other trials: ${numbers}${equals.length > 5 ? " and more" : ""}`}.</p>`;
}
