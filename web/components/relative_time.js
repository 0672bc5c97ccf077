/** A time as its distance from now; the exact time shows on hover. */

import { html, signal } from "../vendor/ui.js";
import { formatExactTime, formatRelativeTime } from "../core/format.js";

/** Milliseconds since 1970, updated every few seconds. */
export const now = signal(Date.now());
setInterval(() => (now.value = Date.now()), 5000);

/** @param {{time: string | null}} properties */
export function RelativeTime({ time }) {
  if (!time) return html`<span class="quiet">–</span>`;
  return html`<time datetime=${time} title=${formatExactTime(time)}>${formatRelativeTime(time, now.value)}</time>`;
}
