/** Cards with bars: the importance of parameters, and how many trials reached each rung. */

import { html } from "../../../vendor/ui.js";
import { formatValue } from "../../../components/plot/scales.js";
import { formatCount, formatMetric } from "../../../core/format.js";

/** @import { Importance, RungCount, Sweep } from "../../../core/sweep_types.js" */
/** @import { ParameterColumn } from "../trial_rows.js" */

const MIN_TRIALS = 10;

/** @param {{importances: Importance[], columns: ParameterColumn[], sweep: Sweep}} properties */
export function ImportanceCard({ importances, columns, sweep }) {
  const labels = new Map(columns.map(({ pointer, label }) => [pointer, label]));
  const greatest = Math.max(...importances.map(({ share }) => share), 0) || 1;
  return html`
    <section class="card">
      <h2>Importance of parameters</h2>
      ${importances.length === 0 && html`<p class="quiet">${explainMissing(sweep)}</p>`}
      ${importances.length > 0 && html`<dl class="bars">
        ${importances.map(({ key, pointer, share }) => html`
          <dt title=${key}>${labels.get(pointer) ?? pointer}${describeOption(key, sweep.spec.space)}</dt>
          <dd><span class="bar"><b style=${{ width: `${(100 * share) / greatest}%` }}></b></span><span class="number">${formatShare(share)}</span></dd>`)}
      </dl>
      <p class="quiet">Shares in what tells the best tenth of the complete trials from the others (PED-ANOVA).</p>`}
    </section>
  `;
}

/**
 * Return the option of a choice in which a parameter exists; the same parameter may exist in several.
 * @param {string} key such as `/training/optimizer=1:/training/optimizer/momentum`
 * @param {Record<string, any>} space
 * @returns {string} empty for a parameter of all trials
 */
export function describeOption(key, space) {
  const match = /^(.*?)=(\d+):/.exec(key);
  if (!match) return "";
  const option = space[match[1] ?? ""]?.choice?.[Number(match[2])];
  return ` of ${option && "set" in option ? formatValue(option.set) : `option ${Number(match[2]) + 1}`}`;
}

/** @param {Sweep} sweep */
function explainMissing({ counts, finished_at }) {
  if (counts.complete >= MIN_TRIALS) return "The values of the trials do not tell parameters apart.";
  return finished_at ? `It takes ${MIN_TRIALS} complete trials to compare parameters.` : `Known after ${MIN_TRIALS} complete trials; there are ${counts.complete}.`;
}

/**
 * The rungs of halving. Of the trials that reach one, those that reach the next were promoted.
 * @param {{rungs: RungCount[], sweep: Sweep}} properties
 */
export function RungsCard({ rungs, sweep }) {
  const greatest = Math.max(...rungs.map(({ trials }) => trials), 0) || 1;
  return html`
    <section class="card">
      <h2>Rungs</h2>
      <div class="scroll">
        <table class="rungs compact">
          <thead><tr><th>Epochs</th><th>Trials</th><th class="number">Promoted</th><th class="number">Best</th></tr></thead>
          <tbody>
            ${rungs.map(({ epochs, trials, best }, index) => html`
              <tr key=${epochs}>
                <td class="number">${formatCount(epochs)}</td>
                <td><span class="bar"><b style=${{ width: `${(100 * trials) / greatest}%` }}></b></span> <span class="count">${formatCount(trials)}</span></td>
                <td class="number">${index < rungs.length - 1 ? formatCount(rungs[index + 1]?.trials ?? 0) : "–"}</td>
                <td class="number">${formatMetric(best)}</td>
              </tr>`)}
          </tbody>
        </table>
      </div>
      <p class="quiet">${describeHeld(sweep)}</p>
    </section>
  `;
}

/** @param {Sweep} sweep */
function describeHeld({ counts, finished_at }) {
  if (finished_at) return `${formatCount(counts.halted)} trials were halted, ${formatCount(counts.complete)} trained to the end.`;
  return `${formatCount(counts.held)} trials are held: the best of each rung go on from where they paused.`;
}

/** @param {number} share */
function formatShare(share) {
  return `${share >= 0.1 ? Math.round(100 * share) : Number((100 * share).toPrecision(2))} %`;
}
