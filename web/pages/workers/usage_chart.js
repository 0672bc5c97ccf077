/** How busy a worker was, as one bar per interval. */

import { html } from "../../vendor/ui.js";

const HEIGHT = 36;
const GAP = 0.25;

/**
 * Return the mean of the shares that are known; null if none is.
 * @param {(number | null)[]} busy
 */
export function computeMeanShare(busy) {
  const known = busy.filter((share) => share !== null);
  return known.length === 0 ? null : known.reduce((sum, share) => sum + share, 0) / known.length;
}

/** @param {number | null} share @returns {string} */
export function formatShare(share) {
  return share === null ? "unknown" : `${Math.round(100 * share)} %`;
}

/**
 * @param {{busy: (number | null)[], minutes: number}} properties
 */
export function UsageChart({ busy, minutes }) {
  const mean = formatShare(computeMeanShare(busy));
  const label = `Busy ${mean} of the last ${minutes} minutes`;
  return html`
    <figure class="usage">
      <svg viewBox=${`0 0 ${busy.length} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label=${label}>
        <title>${label}</title>
        ${busy.map((share, index) => html`<${Bar} share=${share} index=${index} />`)}
      </svg>
      <figcaption><span>${minutes} min ago</span><b>${mean} busy</b><span>now</span></figcaption>
    </figure>
  `;
}

/** @param {{share: number | null, index: number}} properties */
function Bar({ share, index }) {
  if (share === null) return null;
  const height = Math.max(1, share * HEIGHT);
  const kind = share > 0 ? "busy" : "idle";
  return html`<rect class=${kind} x=${index + GAP / 2} y=${HEIGHT - height} width=${1 - GAP} height=${height} />`;
}
