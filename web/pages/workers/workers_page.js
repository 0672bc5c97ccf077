/** Who works on what, what waits and why, and how busy the workers were. */

import { html } from "../../vendor/ui.js";
import { EmptyState, ErrorNotice, Loading } from "../../components/feedback.js";
import { WaitingJobs } from "./waiting_jobs.js";
import { WorkerCard } from "./worker_card.js";
import { useWorkersData } from "./workers_data.js";

/** @import { JobSummary } from "../../core/types.js" */
/** @import { Worker, WorkersData } from "./workers_data.js" */

const START_COMMAND = "stackyard serve --workers 1";

export function WorkersPage() {
  const { data, error, reload } = useWorkersData();
  return html`
    <h1>Workers</h1>
    ${error !== undefined && html`<${ErrorNotice} error=${error} onRetry=${reload} />`}
    ${data ? html`<${Overview} data=${data} reload=${reload} />` : error === undefined && html`<${Loading} />`}
  `;
}

/** @param {{data: WorkersData, reload: () => Promise<void>}} properties */
function Overview({ data, reload }) {
  return html`
    <p class="quiet">${summarize(data)}</p>
    ${data.workers.length === 0 &&
    html`<${EmptyState} title="No worker runs" command=${START_COMMAND}>
      <p>Jobs wait until a worker takes them. Start the server with one:</p>
    <//>`}
    <div class="workers">
      ${data.workers.map(
        (worker) => html`<${WorkerCard}
          key=${worker.id}
          worker=${worker}
          jobs=${listJobs(worker, data)}
          busy=${data.usage.workers.find((usage) => usage.id === worker.id)?.busy ?? []}
          onChange=${reload}
        />`,
      )}
    </div>
    <section aria-labelledby="waiting">
      <h2 id="waiting" class="section-title">Waiting</h2>
      <${WaitingJobs} jobs=${data.waiting} hasMore=${data.hasMoreWaiting} />
    </section>
  `;
}

/** @param {Worker} worker @param {WorkersData} data @returns {JobSummary[]} */
function listJobs(worker, data) {
  return worker.jobs.flatMap((id) => data.running.get(id) ?? []);
}

/** @param {WorkersData} data @returns {string} */
function summarize(data) {
  const serving = data.workers.filter((worker) => worker.state === "serving");
  const slots = serving.reduce((sum, worker) => sum + worker.concurrency, 0);
  const waiting = `${data.waiting.length}${data.hasMoreWaiting ? "+" : ""}`;
  return `${serving.length} serving, ${slots} slots · ${data.running.size} running · ${waiting} waiting`;
}
