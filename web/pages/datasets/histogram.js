/** A small histogram as SVG. Each bin tells its range and its count when it is pointed at. */

import { html } from "../../vendor/ui.js";
import { formatCount } from "../../core/format.js";

/** @import { HistogramData } from "./types.js" */

const HEIGHT = 34;
const BIN_WIDTH = 8;
const GAP = 1;
const SMALLEST_BAR = 1.5;

/**
 * @param {{histogram: HistogramData, name: string, format: (value: number) => string}} properties
 *   `format` writes an edge
 */
export function Histogram({ histogram, name, format }) {
  const { edges, counts } = histogram;
  const highest = Math.max(...counts);
  const width = counts.length * BIN_WIDTH;
  const range = `${format(edges[0] ?? 0)} to ${format(edges.at(-1) ?? 0)}`;
  return html`
    <svg class="value-histogram" role="img" aria-label=${`Histogram of ${name} from ${range}: ${describeHighest(histogram, format)}`}
      viewBox=${`0 0 ${width} ${HEIGHT}`} width=${width} height=${HEIGHT} preserveAspectRatio="none">
      ${counts.map((count, index) => html`
        <g>
          <title>${format(edges[index] ?? 0)} to ${format(edges[index + 1] ?? 0)}: ${formatCount(count)}</title>
          <rect class="target" x=${index * BIN_WIDTH} y="0" width=${BIN_WIDTH} height=${HEIGHT} />
          <rect class="bar" x=${index * BIN_WIDTH} width=${BIN_WIDTH - GAP} ...${computeBar(count, highest)} />
        </g>
      `)}
    </svg>
  `;
}

/**
 * Return the vertical extent of a bar. A bin with few values still differs from an empty one.
 * @param {number} count
 * @param {number} highest
 */
function computeBar(count, highest) {
  const height = count === 0 ? 0 : Math.max(SMALLEST_BAR, (HEIGHT * count) / highest);
  return { y: HEIGHT - height, height };
}

/** @param {HistogramData} histogram @param {(value: number) => string} format @returns {string} */
function describeHighest({ edges, counts }, format) {
  const highest = Math.max(...counts);
  const index = counts.indexOf(highest);
  return `most values, ${formatCount(highest)}, are between ${format(edges[index] ?? 0)} and ${format(edges[index + 1] ?? 0)}`;
}
