/** A new sweep: from a job, from an earlier sweep, or from an example. */

import { html, useEffect, useState } from "../../vendor/ui.js";
import { ErrorNotice, Loading } from "../../components/feedback.js";
import { ApiError, getJson, sendJson } from "../../core/api.js";
import { query } from "../../core/router.js";
import { EXAMPLES } from "../new_job/examples.js";
import { RecentJobs } from "./recent_jobs.js";
import { createDraft, readDocument } from "./sweep_draft.js";
import { SweepForm } from "./sweep_form.js";

/** @import { SweepDraft } from "./sweep_draft.js" */

export function NewSweepPage() {
  const from = query.value.get("from");
  const sweep = query.value.get("sweep");
  const example = query.value.get("example");
  const [draft, setDraft] = useState(/** @type {SweepDraft | null} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const key = [from, sweep, example].join();
  const load = () => {
    setDraft(null);
    setError(null);
    loadDraft({ from, sweep, example }).then(setDraft, setError);
  };
  useEffect(load, [key]);
  const hasStart = Boolean(from || sweep || example);
  return html`
    <h1>New sweep</h1>
    ${from && html`<p class="quiet">Varies <a href=${`/jobs/${from}`}>job ${from.slice(0, 8)}</a>: each trial trains its spec with other values.</p>`}
    ${!hasStart && html`<${Start} />`}
    ${Boolean(error) && html`<${ErrorNotice} error=${error} onRetry=${load} />`}
    ${hasStart && !draft && !error && html`<${Loading} />`}
    ${draft && html`<${SweepForm} key=${key} initial=${draft} />`}
  `;
}

function Start() {
  return html`
    <div class="sweep-start">
      <section class="card"><h2>Vary a job</h2><${RecentJobs} /></section>
      <section class="card">
        <h2>Or start from an example</h2>
        <ul class="plain">${EXAMPLES.map(({ name, label }) => html`<li key=${name}><a href=${`/sweeps/new?example=${name}`}>${label}</a></li>`)}</ul>
      </section>
    </div>
  `;
}

/**
 * @param {{from: string | null, sweep: string | null, example: string | null}} start
 * @returns {Promise<SweepDraft | null>}
 */
async function loadDraft({ from, sweep, example }) {
  if (sweep) return readDocument((await /** @type {Promise<any>} */ (getJson(`/v1/sweeps/${encodeURIComponent(sweep)}`))).spec);
  if (from) return createDraft(removeReference((await /** @type {Promise<any>} */ (getJson(`/v1/jobs/${encodeURIComponent(from)}`))).spec));
  const spec = EXAMPLES.find(({ name }) => name === example)?.spec;
  return spec ? createDraft(await fillDefaults(spec)) : null;
}

/**
 * Return a spec with all of its defaults, so that each of them can be varied.
 * @param {any} spec
 * @returns {Promise<any>} the spec as it is, if the server refuses it; the check of the sweep then says why
 */
async function fillDefaults(spec) {
  try {
    const report = /** @type {{spec: any}} */ (await sendJson("POST", "/v1/specs/check", spec));
    return report.spec;
  } catch (error) {
    if (error instanceof ApiError && error.status === 422) return spec;
    throw error;
  }
}

/** What belongs to one job and not to a sweep of its spec: where that job had to pause. @param {any} spec */
function removeReference(spec) {
  const { until_epoch: _, ...run } = spec.run ?? {};
  return { ...spec, run };
}
