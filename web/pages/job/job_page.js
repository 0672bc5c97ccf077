/** The page of one job. */

import { html, useEffect } from "../../vendor/ui.js";
import { EmptyState, ErrorNotice, Loading } from "../../components/feedback.js";
import { ActionBar } from "./action_bar.js";
import { CurvesPanel } from "./curves/curves_panel.js";
import { DownloadsCard } from "./downloads_card.js";
import { EvaluationCard } from "./evaluation/evaluation_card.js";
import { JobHeader } from "./job_header.js";
import { MetricsCard } from "./metrics_card.js";
import { NetworkCard } from "./network_card.js";
import { PredictionCard } from "./prediction/prediction_card.js";
import { SpecCard } from "./spec_card.js";
import { ReasonNotice, WaitingNotice } from "./state_notices.js";
import { TimelineCard } from "./timeline_card.js";
import { useJob } from "./use_job.js";

/** @param {{id: string}} properties */
export function JobPage({ id }) {
  const { job, history, error, isDeleted, setJob, reload, refine } = useJob(id);
  useEffect(() => {
    if (job) document.title = `${job.name || job.id.slice(0, 8)}, ${job.state} – Stackyard`;
  }, [job?.name, job?.state]);
  const heading = html`<h1 class="visually-hidden">Job</h1>`;
  if (isDeleted) return html`${heading}<${EmptyState} title="This job was deleted"><p><a href="/jobs">Show the other jobs</a></p><//>`;
  if (!job) return error ? html`${heading}<${ErrorNotice} error=${error} onRetry=${reload} />` : html`${heading}<${Loading} label="Loading the job" />`;
  return html`
    <${JobHeader} job=${job} />
    <${ActionBar} job=${job} onChange=${setJob} />
    ${error && html`<${ErrorNotice} error=${error} onRetry=${reload} />`}
    <${ReasonNotice} job=${job} />
    <${WaitingNotice} job=${job} />
    <div class="job-columns">
      <div>
        <${CurvesPanel} job=${job} history=${history} onZoom=${refine} />
        ${job.evaluation && html`<${EvaluationCard} evaluation=${job.evaluation} />`}
        ${job.state === "succeeded" && html`<${PredictionCard} job=${job} />`}
        <${TimelineCard} job=${job} />
        <${SpecCard} job=${job} />
      </div>
      <div>
        <${MetricsCard} job=${job} />
        <${NetworkCard} job=${job} />
        <${DownloadsCard} job=${job} hasEpochs=${history.epochs.length > 0} />
      </div>
    </div>
  `;
}
