/** The newest jobs that can be varied. */

import { html, useState } from "../../vendor/ui.js";
import { ErrorNotice, Loading } from "../../components/feedback.js";
import { JobStateLabel } from "../../components/job_state.js";
import { RelativeTime } from "../../components/relative_time.js";
import { useRequest } from "../../components/use_request.js";
import { buildQuery } from "../../core/api.js";

/** @import { JobSummary, Page } from "../../core/types.js" */

const LIMIT = 12;

export function RecentJobs() {
  const [text, setText] = useState("");
  const request = useRequest(`/v1/jobs${buildQuery({ limit: LIMIT, q: text.trim() })}`);
  const page = /** @type {Page<JobSummary> | null} */ (request.data);
  return html`
    <input type="search" class="wide-search" aria-label="Search jobs" placeholder="Search names, tags, datasets" value=${text} onInput=${(/** @type {any} */ event) => setText(event.currentTarget.value)} />
    ${request.error && html`<${ErrorNotice} error=${request.error} onRetry=${request.reload} />`}
    ${!page && !request.error && html`<${Loading} label="Loading jobs" />`}
    ${page?.items.length === 0 && html`<p class="quiet">${text ? "No job matches." : html`There is no job yet. <a href="/new">Submit one</a>, or start from an example.`}</p>`}
    <ul class="plain">
      ${page?.items.map((job) => html`
        <li key=${job.id}><${JobStateLabel} state=${job.state} /> <a href=${`/sweeps/new?from=${job.id}`}>${job.name ?? job.id.slice(0, 8)}</a> <span class="quiet">${job.dataset.name}, <${RelativeTime} time=${job.created_at} /></span></li>`)}
    </ul>
  `;
}
