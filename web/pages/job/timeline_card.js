/** The states and attempts of a job, with the reasons. */

import { html } from "../../vendor/ui.js";
import { JobStateLabel } from "../../components/job_state.js";
import { formatBytes, formatDuration, formatExactTime } from "../../core/format.js";

/** @import { Backend } from "../../core/types.js" */
/** @import { JobDetails, Transition } from "./job_types.js" */

/** @param {{job: JobDetails}} properties */
export function TimelineCard({ job }) {
  return html`
    <section class="card">
      <h2>Timeline</h2>
      <ol class="timeline">
        ${job.transitions.map((transition, index) => html`
          <${TimelineEntry} key=${index} transition=${transition} previous=${job.transitions[index - 1]} />
        `)}
      </ol>
      <p class="quiet">${describeRun(job)}</p>
    </section>
  `;
}

/** @param {{transition: Transition, previous: Transition | undefined}} properties */
function TimelineEntry({ transition, previous }) {
  const elapsed = previous && (Date.parse(transition.at) - Date.parse(previous.at)) / 1000;
  return html`
    <li>
      <${JobStateLabel} state=${transition.to} />
      <span class="timeline-text">
        ${transition.to === "running" && `attempt ${transition.attempt}`}
        ${transition.reason && html`<span>${transition.reason.message}</span>`}
      </span>
      <time datetime=${transition.at} title=${formatExactTime(transition.at)}>
        ${elapsed === undefined ? formatExactTime(transition.at) : `+ ${formatDuration(elapsed)}`}
      </time>
    </li>
  `;
}

/** @param {JobDetails} job */
function describeRun(job) {
  const ran = job.ran_on;
  const facts = [
    job.checkpoint && `Checkpoint after epoch ${job.checkpoint.epoch}.`,
    ran && `Ran on ${ran.device} in ${ran.precision} with ${ran.threads} ${ran.threads === 1 ? "thread" : "threads"}; Keras ${ran.versions["keras"]}, ${formatBackend(ran.backend)} ${ran.versions[ran.backend]}.`,
    !ran && `Trains on ${formatBackend(job.backend)}.`,
    job.peak_memory && `Largest memory ${formatBytes(job.peak_memory)}.`,
  ];
  return facts.filter(Boolean).join(" ");
}

/** @param {Backend} backend */
function formatBackend(backend) {
  return backend === "jax" ? "JAX" : "TensorFlow";
}
