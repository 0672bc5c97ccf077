/** Comparison of jobs: their curves on one plot, their values, and the places at which their specs differ. */

import { html, useEffect, useMemo, useState } from "../../vendor/ui.js";
import { CurveChart } from "../../components/curve_chart.js";
import { EmptyState, ErrorNotice, Loading } from "../../components/feedback.js";
import { useRequest } from "../../components/use_request.js";
import { buildQuery } from "../../core/api.js";
import { followJobs } from "../../core/events.js";
import { query, setQuery } from "../../core/router.js";
import { buildSeries, chooseMetric } from "./series.js";
import { DifferencesTable, JobsTable } from "./tables.js";

/** @import { Comparison } from "./comparison_types.js" */

const MIN_JOBS = 2;
const CHART_HEIGHT = 360;
const MIN_RELOAD_MS = 2000;

export function ComparePage() {
  const ids = query.value.getAll("job");
  if (ids.length < MIN_JOBS) return html`<${ChooseJobs} />`;
  return html`<h1>Compare ${ids.length} jobs</h1><${ComparisonView} ids=${ids} />`;
}

function ChooseJobs() {
  return html`
    <${EmptyState} title="Choose at least two jobs">
      <p>Select jobs in the <a href="/jobs">list of jobs</a>, with their boxes or the key x, and then “Compare”.</p>
    <//>
  `;
}

/** @param {{ids: string[]}} properties */
function ComparisonView({ ids }) {
  const request = useRequest(`/v1/compare${buildQuery({ job: ids })}`);
  const comparison = /** @type {Comparison | null} */ (request.data);
  useLiveReload(comparison, request.reload);
  if (request.error) return html`<${ErrorNotice} error=${request.error} onRetry=${request.reload} />`;
  if (!comparison) return html`<${Loading} label="Loading the comparison" />`;
  /** @param {string} id */
  const remove = (id) => setQuery({ job: ids.filter((other) => other !== id) });
  return html`<${Results} comparison=${comparison} onRemove=${remove} />`;
}

/** @param {{comparison: Comparison, onRemove: (id: string) => void}} properties */
function Results({ comparison, onRemove }) {
  const [isLog, setLog] = useState(false);
  const [showsBands, setBands] = useState(comparison.repeats.length > 0);
  const metric = query.value.get("metric") ?? chooseMetric(comparison.metrics);
  const series = useMemo(() => buildSeries(comparison, metric, showsBands), [comparison, metric, showsBands]);
  return html`
    <section class="card">
      <div class="fields">
        <label>Metric
          <select value=${metric} onChange=${(/** @type {any} */ event) => setQuery({ metric: event.currentTarget.value }, { replace: true })}>
            ${comparison.metrics.map((name) => html`<option value=${name}>${name}</option>`)}
          </select>
        </label>
        <label class="check"><input type="checkbox" checked=${isLog} onChange=${() => setLog(!isLog)} /> Log scale</label>
        ${comparison.repeats.length > 0 &&
        html`<label class="check"><input type="checkbox" checked=${showsBands} onChange=${() => setBands(!showsBands)} /> Repeats as mean and standard deviation</label>`}
      </div>
      <${CurveChart} series=${series} logScale=${isLog} height=${CHART_HEIGHT} label=${`${metric} by epoch`} />
    </section>
    <section class="card"><h2>Values</h2><${JobsTable} comparison=${comparison} metric=${metric} onRemove=${onRemove} /></section>
    <section class="card"><h2>Differences of the specs</h2><${DifferencesTable} jobs=${comparison.jobs} differences=${comparison.differences} /></section>
  `;
}

/**
 * Load the comparison again while one of its jobs changes, but not more often than `MIN_RELOAD_MS`.
 * @param {Comparison | null} comparison
 * @param {() => void} reload
 */
function useLiveReload(comparison, reload) {
  const ids = comparison?.jobs.map((job) => job.id).join() ?? "";
  useEffect(() => {
    let timer = 0;
    const stop = followJobs((news) => {
      const changed = "changed" in news ? news.changed.map((job) => job.id) : [ids.split(",")[0] ?? ""];
      if (!timer && changed.some((id) => ids.includes(id))) {
        timer = window.setTimeout(() => {
          timer = 0;
          reload();
        }, MIN_RELOAD_MS);
      }
    });
    return () => {
      window.clearTimeout(timer);
      stop();
    };
  }, [ids, reload]);
}
