/** A worker: its device, its jobs with their progress, how busy it was, and the button to drain it. */

import { html, useState } from "../../vendor/ui.js";
import { sendJson } from "../../core/api.js";
import { ErrorNotice } from "../../components/feedback.js";
import { RelativeTime } from "../../components/relative_time.js";
import { UsageChart } from "./usage_chart.js";

/** @import { JobSummary } from "../../core/types.js" */
/** @import { Worker } from "./workers_data.js" */

const STATES = {
  serving: { label: "Serving", color: "good" },
  draining: { label: "Draining", color: "warning" },
  lost: { label: "Lost", color: "bad" },
};

/**
 * @param {object} properties
 * @param {Worker} properties.worker
 * @param {JobSummary[]} properties.jobs that it runs
 * @param {(number | null)[]} properties.busy
 * @param {() => Promise<void>} properties.onChange
 */
export function WorkerCard({ worker, jobs, busy, onChange }) {
  const { label, color } = STATES[worker.state];
  const free = worker.concurrency - jobs.length;
  return html`
    <article class="card worker" aria-label=${`Worker ${worker.host}, process ${worker.pid}`}>
      <header>
        <h2>${worker.host} <span class="quiet">process ${worker.pid}</span></h2>
        <span class=${`state ${color}`}><i aria-hidden="true"></i><span>${label}</span></span>
        <span class="spacer"></span>
        <${DrainButton} worker=${worker} onChange=${onChange} />
      </header>
      <p class="quiet">${describeDevice(worker)} · started <${RelativeTime} time=${worker.started_at} /></p>
      ${worker.state === "lost" &&
      html`<p>Its last heartbeat came <${RelativeTime} time=${worker.last_seen_at} />. Other workers take its jobs.</p>`}
      <${UsageChart} busy=${busy} minutes=${60} />
      <ul class="worker-jobs">
        ${jobs.map((job) => html`<li key=${job.id}><${RunningJob} job=${job} /></li>`)}
        ${worker.state !== "lost" && free > 0 && html`<li class="quiet">${describeFreeSlots(worker, free)}</li>`}
      </ul>
    </article>
  `;
}

/** @param {{job: JobSummary}} properties */
function RunningJob({ job }) {
  const { epochs_done: done, epochs } = job.progress;
  const name = job.name ?? job.id.slice(0, 8);
  return html`
    <a href=${`/jobs/${job.id}`}>${name}</a>
    <span class="worker-progress">
      <span
        class="progress"
        role="progressbar"
        aria-label=${`Progress of ${name}`}
        aria-valuemin="0"
        aria-valuemax=${epochs}
        aria-valuenow=${done}
        ><b style=${{ width: `${epochs ? (100 * done) / epochs : 0}%` }}></b
      ></span>
      <span class="number">${done} / ${epochs}</span>
    </span>
  `;
}

/** @param {{worker: Worker, onChange: () => Promise<void>}} properties */
function DrainButton({ worker, onChange }) {
  const [isSending, setSending] = useState(false);
  const [error, setError] = useState(/** @type {unknown} */ (null));
  if (worker.state === "lost") return null;
  const isDraining = worker.state === "draining";
  const send = async () => {
    setSending(true);
    setError(null);
    try {
      await sendJson(isDraining ? "DELETE" : "POST", `/v1/workers/${worker.id}/drain`);
      await onChange();
    } catch (failure) {
      setError(failure);
    }
    setSending(false);
  };
  const title = isDraining ? "Take jobs again" : "Finish the running jobs, and take no more";
  return html`
    <button type="button" title=${title} disabled=${isSending} onClick=${send}>
      ${isDraining ? "Stop draining" : "Drain"}
    </button>
    ${error !== null && html`<${ErrorNotice} error=${error} />`}
  `;
}

/** @param {Worker} worker @returns {string} */
export function describeDevice(worker) {
  const threads = `${worker.threads} ${worker.threads === 1 ? "thread" : "threads"} per job`;
  if (worker.device === "cpu") return `CPU, ${threads}`;
  return worker.cards.length > 0 ? `GPU: ${worker.cards.join(", ")}` : `GPU, ${threads}`;
}

/** @param {Worker} worker @param {number} free */
function describeFreeSlots(worker, free) {
  const slots = `${free} of ${worker.concurrency} ${worker.concurrency === 1 ? "slot" : "slots"} free`;
  return worker.state === "draining" ? `${slots}, takes no more jobs` : slots;
}
