/** Device time by day, stacked by user or project. */

import { html } from "../../vendor/ui.js";
import { formatDuration } from "../../core/format.js";

/** @import { UsageGroup, UsageItem } from "./usage_types.js" */

const HEIGHT = 100;
const GAP = 0.15;
const DAY_MS = 86_400_000;
const COLORS = 8;
const OTHERS = "others";

/**
 * @typedef {object} Segment a part of the bar of a day
 * @property {string} name
 * @property {number} color from 1
 * @property {number} seconds
 * @property {number} below seconds of the segments below it
 */

/**
 * Return the segments of each day from the first to the last one. Groups beyond the largest ones are one segment.
 * @param {UsageItem[]} items
 * @param {UsageGroup} group
 * @param {string} first
 * @param {string} last
 * @returns {{day: string, segments: Segment[]}[]}
 */
export function stackUsage(items, group, first, last) {
  const names = listLargestGroups(items, group);
  /** @param {UsageItem} item */
  const getName = (item) => (names.includes(getGroupName(item, group)) ? getGroupName(item, group) : OTHERS);
  return listDays(first, last).map((day) => {
    const segments = /** @type {Segment[]} */ ([]);
    let below = 0;
    for (const [index, name] of [...names, OTHERS].entries()) {
      const seconds = items.reduce((sum, item) => sum + (item.day === day && getName(item) === name ? item.device_seconds : 0), 0);
      if (seconds > 0) segments.push({ name, color: (index % COLORS) + 1, seconds, below });
      below += seconds;
    }
    return { day, segments };
  });
}

/** @param {{items: UsageItem[], group: UsageGroup, first: string, last: string}} properties */
export function DailyUsageChart({ items, group, first, last }) {
  const days = stackUsage(items, group, first, last);
  const highest = Math.max(...days.map(({ segments }) => segments.reduce((sum, { seconds }) => sum + seconds, 0)), 1);
  const shown = new Map(days.flatMap(({ segments }) => segments.map(({ name, color }) => [name, color])));
  const label = `Device time by day from ${first} to ${last}; at most ${formatDuration(highest)} a day`;
  return html`
    <figure class="usage-chart">
      <svg viewBox=${`0 0 ${days.length} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label=${label}>
        ${days.map(({ day, segments }, index) => segments.map(({ name, color, seconds, below }) => html`
          <rect key=${day + name} x=${index + GAP / 2} width=${1 - GAP} y=${HEIGHT * (1 - (below + seconds) / highest)}
            height=${(HEIGHT * seconds) / highest} style=${{ fill: `var(--series-${color})` }}><title>${day}, ${name}: ${formatDuration(seconds)}</title></rect>`))}
      </svg>
      <figcaption>
        <span>${first} to ${last}</span>
        ${[...shown].map(([name, color]) => html`<span key=${name}><i class="swatch" style=${{ background: `var(--series-${color})` }}></i>${name}</span>`)}
      </figcaption>
    </figure>
  `;
}

/** @param {UsageItem[]} items @param {UsageGroup} group */
function listLargestGroups(items, group) {
  const totals = new Map();
  for (const item of items) {
    const name = getGroupName(item, group);
    totals.set(name, (totals.get(name) ?? 0) + item.device_seconds);
  }
  const sorted = [...totals].sort((a, b) => b[1] - a[1]).map(([name]) => name);
  return sorted.slice(0, COLORS - 1);
}

/** @param {UsageItem} item @param {UsageGroup} group */
function getGroupName(item, group) {
  return item[group] ?? `no ${group}`;
}

/** @param {string} first @param {string} last */
function listDays(first, last) {
  const days = [];
  for (let time = Date.parse(first); time <= Date.parse(last); time += DAY_MS) days.push(new Date(time).toISOString().slice(0, 10));
  return days;
}
