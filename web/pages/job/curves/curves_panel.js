/** The learning curves of a job, and the controls that all of its charts share. */

import { html, useMemo, useState } from "../../../vendor/ui.js";
import { CurveChart } from "../../../components/curve_chart.js";
import { buildSeries, groupMetrics } from "./metric_groups.js";

/** @import { JobDetails } from "../job_types.js" */
/** @import { HistoryColumns } from "./history.js" */

/** @typedef {{logScale: boolean, fromEpoch: number, smoothing: number}} CurveSettings `fromEpoch` counts from 0 */

/**
 * @param {object} properties
 * @param {JobDetails} properties.job
 * @param {HistoryColumns} properties.history
 * @param {(from: number | null, to: number | null) => void} properties.onZoom
 */
export function CurvesPanel({ job, history, onZoom }) {
  const [settings, setSettings] = useState(/** @type {CurveSettings} */ ({ logScale: false, fromEpoch: 0, smoothing: 0 }));
  const groups = groupMetrics(Object.keys(history.metrics));
  if (history.epochs.length === 0) return html`<${NoEpochs} job=${job} />`;
  return html`
    <section class="card curves" aria-label="Learning curves">
      <${CurveControls} settings=${settings} onChange=${setSettings} />
      <div class="curve-grid">
        ${groups.map((group, index) => html`
          <${MetricChart} key=${group.title} group=${group} isWide=${index === 0 || (index === groups.length - 1 && index % 2 === 1)}
            job=${job} history=${history} settings=${settings} onZoom=${onZoom} />
        `)}
      </div>
    </section>
  `;
}

/**
 * @param {object} properties
 * @param {{title: string, names: string[]}} properties.group
 * @param {boolean} properties.isWide whether the chart has a row of its own
 * @param {JobDetails} properties.job
 * @param {HistoryColumns} properties.history
 * @param {CurveSettings} properties.settings
 * @param {(from: number | null, to: number | null) => void} properties.onZoom
 */
function MetricChart({ group, isWide, job, history, settings, onZoom }) {
  const series = useMemo(
    () => buildSeries(history, group.names, job.metrics, settings.smoothing),
    [history, group.names.join(), job.metrics, settings.smoothing],
  );
  return html`
    <div class="curve-cell ${isWide ? "wide" : ""}">
      <h2>${group.title}</h2>
      <${CurveChart} series=${series} logScale=${settings.logScale} fromEpoch=${settings.fromEpoch} onZoom=${onZoom}
        height=${group.title === "loss" ? 280 : 190} label=${`Learning curve of ${group.names.join(" and ")}`} />
    </div>
  `;
}

/** @param {{settings: CurveSettings, onChange: (settings: CurveSettings) => void}} properties */
function CurveControls({ settings, onChange }) {
  const { logScale, fromEpoch, smoothing } = settings;
  return html`
    <form class="curve-controls" onSubmit=${(/** @type {Event} */ event) => event.preventDefault()}>
      <button type="button" class="chip" aria-pressed=${logScale} onClick=${() => onChange({ ...settings, logScale: !logScale })}>Log scale</button>
      <label>From epoch
        <input type="number" min="1" step="1" value=${fromEpoch + 1}
          onInput=${(/** @type {any} */ event) => onChange({ ...settings, fromEpoch: Math.max(0, Math.floor(Number(event.target.value)) - 1 || 0) })} />
      </label>
      <label>Smoothing
        <input type="range" min="0" max="0.98" step="0.02" value=${smoothing}
          aria-valuetext=${smoothing === 0 ? "off" : String(smoothing)}
          onInput=${(/** @type {any} */ event) => onChange({ ...settings, smoothing: Number(event.target.value) })} />
        <output>${smoothing === 0 ? "off" : smoothing.toFixed(2)}</output>
      </label>
      <span class="quiet curve-hint">Drag to zoom, double-click to see everything.</span>
    </form>
  `;
}

/** @param {{job: JobDetails}} properties */
function NoEpochs({ job }) {
  const isOver = job.finished_at !== null;
  const text = isOver ? "The job ended before its first epoch." : "The curves appear after the first epoch.";
  return html`<section class="card"><h2>Learning curves</h2><p class="quiet">${text}</p></section>`;
}
