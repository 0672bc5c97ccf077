/** A small curve without axes. */

import { html } from "../vendor/ui.js";

const WIDTH = 84;
const HEIGHT = 22;
const PADDING = 2;

/**
 * Return the path of a line through values at equal distances; a null interrupts it.
 * @param {(number | null)[]} values
 * @returns {string}
 */
export function buildSparklinePath(values) {
  const finite = values.filter((value) => value !== null);
  const low = Math.min(...finite);
  const range = Math.max(...finite) - low || 1;
  const step = (WIDTH - 2 * PADDING) / Math.max(1, values.length - 1);
  let command = "M";
  return values
    .map((value, index) => {
      if (value === null) {
        command = "M";
        return "";
      }
      const x = PADDING + index * step;
      const y = HEIGHT - PADDING - ((value - low) / range) * (HEIGHT - 2 * PADDING);
      const point = `${command}${x.toFixed(1)} ${y.toFixed(1)}`;
      command = "L";
      return point;
    })
    .join("");
}

/** @param {{values: (number | null)[], label: string}} properties */
export function Sparkline({ values, label }) {
  if (values.filter((value) => value !== null).length < 2) return null;
  return html`
    <svg class="sparkline" role="img" aria-label=${label} width=${WIDTH} height=${HEIGHT} viewBox=${`0 0 ${WIDTH} ${HEIGHT}`}>
      <path d=${buildSparklinePath(values)} />
    </svg>
  `;
}
