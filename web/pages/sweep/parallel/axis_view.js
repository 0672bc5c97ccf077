/** One axis of parallel coordinates, on which a range can be chosen with the pointer or the keyboard. */

import { html, useRef } from "../../../vendor/ui.js";
import { describeRange, locateRange } from "./axes.js";

/** @import { Axis, Interval, Range } from "./axes.js" */

const HALF_WIDTH = 16;
const KEY_STEP = 0.05;
const MIN_LENGTH = 0.01;

/**
 * @param {object} properties
 * @param {Axis} properties.axis
 * @param {number} properties.left
 * @param {number} properties.height
 * @param {number} properties.maxLabelLength in characters
 * @param {Range | null} properties.range
 * @param {(interval: Interval | null) => void} properties.onChange null removes the range
 */
export function AxisView({ axis, left, height, maxLabelLength, range, onChange }) {
  const start = useRef(/** @type {number | null} */ (null));
  const locate = (/** @type {any} */ event) => {
    const box = event.currentTarget.getBoundingClientRect();
    return Math.min(1, Math.max(0, 1 - (event.clientY - box.top) / box.height));
  };
  const press = (/** @type {PointerEvent} */ event) => {
    /** @type {Element} */ (event.currentTarget).setPointerCapture(event.pointerId);
    start.current = locate(event);
  };
  const move = (/** @type {PointerEvent} */ event) => {
    if (start.current !== null) onChange(orderEnds(start.current, locate(event)));
  };
  const release = (/** @type {PointerEvent} */ event) => {
    if (start.current === null) return;
    const chosen = orderEnds(start.current, locate(event));
    start.current = null;
    onChange(chosen[1] - chosen[0] < MIN_LENGTH ? null : chosen); // a click removes the range
  };
  const words = range ? describeRange(range) : "all";
  const interval = range && locateRange(axis, range);
  return html`
    <g class="axis" transform=${`translate(${left},0)`}>
      <text class="axis-label" y="-18" text-anchor="middle"><title>${axis.key}</title>${shorten(axis.label, maxLabelLength)}</text>
      <line y1="0" y2=${height} />
      ${axis.scale.ticks.map(({ label, position }) => html`
        <line class="tick" x1="-3" x2="3" y1=${(1 - position) * height} y2=${(1 - position) * height} />
        <text class="tick-label" x="-6" y=${(1 - position) * height + 4} text-anchor="end">${label}</text>`)}
      ${interval && html`<rect class="range" x="-7" width="14" y=${(1 - interval[1]) * height} height=${(interval[1] - interval[0]) * height} />`}
      <rect class="brush" x=${-HALF_WIDTH} width=${2 * HALF_WIDTH} y="0" height=${height} tabindex="0" role="slider" aria-orientation="vertical"
        aria-label=${`Filter by ${axis.label}`} aria-valuetext=${words} aria-valuemin="0" aria-valuemax="1" aria-valuenow=${interval ? interval[1] : 1}
        onPointerDown=${press} onPointerMove=${move} onPointerUp=${release} onPointerCancel=${() => (start.current = null)}
        onKeyDown=${(/** @type {KeyboardEvent} */ event) => handleKey(event, interval, onChange)} />
    </g>
  `;
}

/**
 * Arrow keys move the upper end, with Shift the lower end; Escape removes the range.
 * @param {KeyboardEvent} event
 * @param {Interval | null} interval
 * @param {(interval: Interval | null) => void} onChange
 */
function handleKey(event, interval, onChange) {
  if (event.key === "Escape") return onChange(null);
  const step = { ArrowUp: KEY_STEP, ArrowDown: -KEY_STEP }[event.key];
  if (!step) return undefined;
  event.preventDefault();
  const [low, high] = interval ?? [0, 1];
  const limit = (/** @type {number} */ position) => Math.min(1, Math.max(0, position));
  const moved = event.shiftKey ? orderEnds(limit(low + step), high) : orderEnds(low, limit(high + step));
  return onChange(moved[0] === 0 && moved[1] === 1 ? null : moved);
}

/** @param {number} a @param {number} b @returns {Interval} */
function orderEnds(a, b) {
  return a < b ? [a, b] : [b, a];
}

/** @param {string} label @param {number} maxLength */
function shorten(label, maxLength) {
  return label.length > maxLength ? `${label.slice(0, maxLength - 1)}…` : label;
}
