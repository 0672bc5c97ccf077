/** The residuals of a target column: a histogram and numbers. */

import { html } from "../../../vendor/ui.js";
import { formatCount, formatMetric } from "../../../core/format.js";

/** @import { Residuals } from "../job_types.js" */

const WIDTH = 600;
const HEIGHT = 120;

/** @param {{residuals: Residuals}} properties */
export function ResidualsPanel({ residuals }) {
  const { quantiles } = residuals;
  return html`
    <h3>Residuals of ${residuals.column} <span class="quiet">actual minus predicted</span></h3>
    <${ResidualsHistogram} histogram=${residuals.histogram} label=${`Histogram of the residuals of ${residuals.column}`} />
    <dl class="figures">
      <div><dt>Mean absolute</dt><dd>${formatMetric(residuals.mean_absolute)}</dd></div>
      <div><dt>Root mean square</dt><dd>${formatMetric(residuals.root_mean_square)}</dd></div>
      <div><dt>Mean</dt><dd>${formatMetric(residuals.mean)}</dd></div>
      <div><dt>Standard deviation</dt><dd>${formatMetric(residuals.standard_deviation)}</dd></div>
      <div><dt>Median</dt><dd>${formatMetric(quantiles["50"])}</dd></div>
      <div><dt>90% lie between</dt><dd>${formatMetric(quantiles["5"])} and ${formatMetric(quantiles["95"])}</dd></div>
    </dl>
  `;
}

/** @param {{histogram: Residuals["histogram"], label: string}} properties */
function ResidualsHistogram({ histogram: { edges, counts }, label }) {
  const low = edges[0] ?? 0;
  const high = edges.at(-1) ?? 1;
  const highest = Math.max(1, ...counts);
  const position = (/** @type {number} */ value) => ((value - low) / (high - low || 1)) * WIDTH;
  if (counts.length === 0) return null;
  return html`
    <svg class="histogram" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label=${label}>
      ${counts.map((count, index) => {
        const left = position(edges[index] ?? 0);
        const height = (count / highest) * (HEIGHT - 4);
        return html`
          <rect key=${index} x=${left} width=${Math.max(1, position(edges[index + 1] ?? 0) - left - 1)} y=${HEIGHT - height} height=${height}>
            <title>${formatMetric(edges[index])} to ${formatMetric(edges[index + 1])}: ${formatCount(count)}</title>
          </rect>
        `;
      })}
      ${low < 0 && high > 0 && html`<line x1=${position(0)} x2=${position(0)} y1="0" y2=${HEIGHT} />`}
    </svg>
    <div class="histogram-axis quiet"><span>${formatMetric(low)}</span><span>${formatMetric(high)}</span></div>
  `;
}
