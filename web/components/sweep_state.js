/** The states of sweeps and of trials as coloured marks with their names. */

import { html } from "../vendor/ui.js";

/** @import { SweepState, TrialState } from "../core/sweep_types.js" */

/** The colour of each state; `styles/components.css` defines the classes. @type {Record<SweepState | TrialState, string>} */
const COLORS = {
  waiting: "waiting",
  paused: "waiting",
  held: "waiting",
  halted: "waiting",
  cancelled: "waiting",
  running: "active",
  succeeded: "good",
  complete: "good",
  diverged: "warning",
  failed: "bad",
  invalid: "bad",
};

/** What the less common words mean. @type {Partial<Record<SweepState | TrialState, string>>} */
const MEANINGS = {
  held: "Paused at a rung: it continues if it is among the best there",
  halted: "Ended at a rung: its value comes from fewer epochs than those of complete trials",
  invalid: "Its parameters make no valid spec; it costs no budget",
  diverged: "The loss was not a finite number; the search counts it as the worst value",
};

/** @param {{state: SweepState | TrialState}} properties */
export function SweepStateLabel({ state }) {
  const name = state.charAt(0).toUpperCase() + state.slice(1);
  return html`<span class=${`state ${COLORS[state]}`} title=${MEANINGS[state]}><i aria-hidden="true"></i><span>${name}</span></span>`;
}
