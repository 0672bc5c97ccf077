/** The page of one sweep. */

import { html, useEffect, useMemo, useState } from "../../vendor/ui.js";
import { EmptyState, ErrorNotice, Loading } from "../../components/feedback.js";
import { query, setQuery } from "../../core/router.js";
import { BestCard } from "./best_card.js";
import { ImportanceCard, RungsCard } from "./charts/bar_cards.js";
import { ProgressCard } from "./charts/progress_card.js";
import { ScatterCard } from "./charts/scatter_card.js";
import { buildAxes, selectTrials } from "./parallel/axes.js";
import { ParallelCard } from "./parallel/parallel_card.js";
import { SweepActions } from "./sweep_actions.js";
import { CostCard, SweepHeader } from "./sweep_header.js";
import { TrialsCard } from "./trials/trials_card.js";
import { useSweep } from "./use_sweep.js";

/** @import { Ranges } from "./parallel/axes.js" */
/** @import { SweepViewState } from "./use_sweep.js" */

/** @param {{id: string}} properties */
export function SweepPage({ id }) {
  const view = useSweep(id);
  const { data, error, isMissing, reload } = view;
  useEffect(() => {
    if (data) document.title = `${data.sweep.name || data.sweep.id.slice(0, 8)}, ${data.sweep.state} – Stackyard`;
  }, [data?.sweep.name, data?.sweep.state]);
  if (isMissing) return html`<${EmptyState} title="There is no such sweep"><p><a href="/sweeps">Show the other sweeps</a></p><//>`;
  if (!data) return error ? html`<${ErrorNotice} error=${error} onRetry=${reload} />` : html`<${Loading} label="Loading the sweep" />`;
  return html`
    <${SweepHeader} sweep=${data.sweep} />
    <${SweepActions} sweep=${data.sweep} onChange=${reload} />
    ${error && html`<${ErrorNotice} error=${error} onRetry=${reload} />`}
    <${Results} view=${view} />
  `;
}

/** @param {{view: SweepViewState}} properties */
function Results({ view }) {
  const { rows, columns } = view;
  const { sweep, results } = /** @type {NonNullable<SweepViewState["data"]>} */ (view.data);
  const [ranges, setRanges] = useState(/** @type {Ranges} */ ({}));
  const opened = readNumber(query.value.get("trial"));
  const axes = useMemo(() => buildAxes(rows, columns, sweep.objective.metric), [rows, columns]);
  const selected = useMemo(() => selectTrials(rows, axes, ranges), [rows, axes, ranges]);
  const open = (/** @type {number | null} */ number) => setQuery({ trial: number === null ? null : String(number) }, { replace: true });
  const openFromChart = (/** @type {number} */ number) => {
    open(number);
    requestAnimationFrame(() => document.querySelector(`tr[data-trial="${number}"]`)?.scrollIntoView({ block: "center" }));
  };
  return html`
    <div class="job-columns sweep-columns">
      <div>
        <${ProgressCard} sweep=${sweep} improvements=${results.improvements} />
        ${columns.length > 0 && html`
          <${ParallelCard} rows=${rows} axes=${axes} ranges=${ranges} selected=${selected} onRanges=${setRanges} onOpen=${openFromChart} />
          <${ScatterCard} rows=${rows} columns=${columns} suggested=${results.importances[0]?.pointer ?? null} selected=${selected}
            metric=${sweep.objective.metric} onOpen=${openFromChart} />`}
      </div>
      <div>
        <${BestCard} sweep=${sweep} rows=${rows} columns=${columns} />
        ${results.rungs.length > 0 && html`<${RungsCard} rungs=${results.rungs} sweep=${sweep} />`}
        ${columns.length > 1 && html`<${ImportanceCard} importances=${results.importances} columns=${columns} sweep=${sweep} />`}
        <${CostCard} sweep=${sweep} cost=${results.cost} />
      </div>
    </div>
    <${TrialsCard} sweep=${sweep} rows=${rows} columns=${columns} selected=${selected} opened=${opened} onOpen=${open} />
  `;
}

/** @param {string | null} text @returns {number | null} */
function readNumber(text) {
  return text && /^\d+$/.test(text) ? Number(text) : null;
}
