/** A plot with two axes. Its content is drawn in pixels of the area between them. */

import { html } from "../../vendor/ui.js";
import { useWidth } from "./use_width.js";

/** @import { Scale } from "./scales.js" */

const LEFT = 56;
const RIGHT = 10;
const TOP = 8;
const BOTTOM = 38;
const CHARACTER_WIDTH = 7;

/**
 * @param {object} properties
 * @param {Scale} properties.x
 * @param {Scale} properties.y
 * @param {string} properties.xLabel
 * @param {string} properties.yLabel
 * @param {string} properties.label for screen readers
 * @param {number} [properties.height] in pixels
 * @param {(size: {width: number, height: number}) => any} properties.draw returns the content
 */
export function PlotFrame({ x, y, xLabel, yLabel, label, height = 240, draw }) {
  const [element, fullWidth] = useWidth();
  const size = { width: Math.max(0, fullWidth - LEFT - RIGHT), height: height - TOP - BOTTOM };
  return html`
    <figure class="plot" ref=${element} style=${{ minHeight: `${height}px` }}>
      ${size.width > 0 && html`
        <svg width=${fullWidth} height=${height} role="img" aria-label=${label}>
          <g transform=${`translate(${LEFT},${TOP})`}>
            <${HorizontalAxis} scale=${x} size=${size} label=${xLabel} />
            <${VerticalAxis} scale=${y} size=${size} label=${yLabel} />
            ${draw(size)}
          </g>
        </svg>`}
    </figure>
  `;
}

/** @param {{scale: Scale, size: {width: number, height: number}, label: string}} properties */
function HorizontalAxis({ scale, size, label }) {
  return html`
    <g class="axis" aria-hidden="true">
      <line x1="0" x2=${size.width} y1=${size.height} y2=${size.height} />
      ${selectTicks(scale.ticks, size.width).map(({ label: text, position }) => html`
        <line class="tick" x1=${position * size.width} x2=${position * size.width} y1=${size.height} y2=${size.height + 4} />
        <text x=${position * size.width} y=${size.height + 16} text-anchor=${chooseAnchor(position)}>${text}</text>`)}
      <text class="axis-label" x=${size.width / 2} y=${size.height + 33} text-anchor="middle">${label}</text>
    </g>
  `;
}

/** @param {{scale: Scale, size: {width: number, height: number}, label: string}} properties */
function VerticalAxis({ scale, size, label }) {
  return html`
    <g class="axis" aria-hidden="true">
      ${scale.ticks.map(({ label: text, position }) => html`
        <line class="grid" x1="0" x2=${size.width} y1=${(1 - position) * size.height} y2=${(1 - position) * size.height} />
        <text x="-6" y=${(1 - position) * size.height + 4} text-anchor="end">${text}</text>`)}
      <text class="axis-label" transform=${`translate(-46,${size.height / 2}) rotate(-90)`} text-anchor="middle">${label}</text>
    </g>
  `;
}

/**
 * Return the ticks whose labels do not overlap on an axis.
 * @param {{label: string, position: number}[]} ticks in the order of their positions
 * @param {number} width in pixels
 */
export function selectTicks(ticks, width) {
  let end = -Infinity;
  return ticks.filter(({ label, position }) => {
    const half = (label.length * CHARACTER_WIDTH) / 2;
    if (position * width - half < end) return false;
    end = position * width + half + CHARACTER_WIDTH;
    return true;
  });
}

/** @param {number} position */
function chooseAnchor(position) {
  return position > 0.97 ? "end" : "middle";
}
