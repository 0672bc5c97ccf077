/** What users and projects used: device time by day as stacked bars, and the totals as a table. */

import { html } from "../../vendor/ui.js";
import { buildQuery } from "../../core/api.js";
import { formatBytes, formatCount, formatDuration } from "../../core/format.js";
import { query as addressQuery, setQuery } from "../../core/router.js";
import { EmptyState, ErrorNotice, Loading } from "../../components/feedback.js";
import { useRequest } from "../../components/use_request.js";
import { DailyUsageChart } from "./daily_usage_chart.js";

/** @import { Usage, UsageGroup, UsageItem } from "./usage_types.js" */

const PERIODS = [7, 30, 90];
const DAY_MS = 86_400_000;
/** @type {UsageGroup[]} */
const GROUPS = ["user", "project"];

export function UsagePage() {
  const group = addressQuery.value.get("by") === "project" ? "project" : "user";
  const days = PERIODS.find((period) => String(period) === addressQuery.value.get("days")) ?? 30;
  const first = new Date(Date.now() - (days - 1) * DAY_MS).toISOString().slice(0, 10);
  const totals = useRequest(`/v1/usage${buildQuery({ from: first, group_by: group })}`);
  const daily = useRequest(`/v1/usage${buildQuery({ from: first, group_by: [group, "day"] })}`);
  const usage = /** @type {Usage | null} */ (totals.data);
  const error = totals.error || daily.error;
  return html`
    <div class="heading"><h1>Usage</h1><p><a class="button" href=${`/v1/usage${buildQuery({ from: first, group_by: ["user", "project", "day"], format: "csv" })}`} download>CSV</a></p></div>
    <div class="filters">
      <div class="chips" role="group" aria-label="Group by">
        ${GROUPS.map((name) => html`<button type="button" key=${name} class="chip" aria-pressed=${name === group} onClick=${() => setQuery({ by: name })}>by ${name}</button>`)}
      </div>
      <div class="chips" role="group" aria-label="Period">
        ${PERIODS.map((period) => html`<button type="button" key=${period} class="chip" aria-pressed=${period === days} onClick=${() => setQuery({ days: String(period) })}>${period} days</button>`)}
      </div>
    </div>
    ${error && html`<${ErrorNotice} error=${error} onRetry=${() => { totals.reload(); daily.reload(); }} />`}
    ${!usage && !error && html`<${Loading} label="Loading the usage" />`}
    ${usage?.items.length === 0 && html`<${EmptyState} title="Nothing was used in this period"><p>Each attempt at a job adds its device time when it ends.</p><//>`}
    ${usage && usage.items.length > 0 && daily.data && html`<${DailyUsageChart} items=${/** @type {Usage} */ (daily.data).items} group=${group} first=${usage.from} last=${usage.to} />`}
    ${usage && usage.items.length > 0 && html`<${UsageTable} items=${usage.items} group=${group} />`}
  `;
}

/** @param {{items: UsageItem[], group: UsageGroup}} properties */
function UsageTable({ items, group }) {
  const total = items.reduce((sum, item) => sum + item.device_seconds, 0) || 1;
  return html`
    <table>
      <thead><tr><th>${group === "user" ? "User" : "Project"}</th><th class="number">Device time</th><th class="number wide">Share</th><th class="number">Jobs</th><th class="number wide">Epochs</th><th class="number">Stored</th></tr></thead>
      <tbody>${items.map((item) => html`
        <tr key=${item[group]}>
          <td class="name">${item[group] ?? html`<span class="quiet">no ${group}</span>`}</td>
          <td class="number">${formatDuration(item.device_seconds)}</td>
          <td class="number wide">${Math.round((100 * item.device_seconds) / total)} %</td>
          <td class="number">${formatCount(item.jobs)}</td>
          <td class="number wide">${formatCount(item.epochs)}</td>
          <td class="number">${formatBytes(item.bytes)}</td>
        </tr>`)}</tbody>
    </table>
  `;
}
