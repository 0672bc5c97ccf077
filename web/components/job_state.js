/** The state of a job as a coloured mark with its name. */

import { html } from "../vendor/ui.js";

/** @import { JobState } from "../core/types.js" */

/** The colour of each state; `styles/components.css` defines the classes. @type {Record<JobState, string>} */
const COLORS = {
  queued: "waiting",
  paused: "waiting",
  running: "active",
  succeeded: "good",
  diverged: "warning",
  failed: "bad",
  cancelled: "waiting",
};

/** @param {{state: JobState}} properties */
export function JobStateLabel({ state }) {
  return html`<span class=${`state ${COLORS[state]}`}><i aria-hidden="true"></i><span>${capitalize(state)}</span></span>`;
}

/** @param {string} text */
function capitalize(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
