/** A sweep with its results and trials, loaded and kept up to date while its page is open. */

import { useEffect, useMemo, useRef, useState } from "../../vendor/ui.js";
import { ApiError, getJson } from "../../core/api.js";
import { reloadAfterNews } from "../sweeps/sweep_news.js";
import { buildTrialRows, listParameterColumns } from "./trial_rows.js";

/** @import { Sweep, SweepResults, TrialTable } from "../../core/sweep_types.js" */
/** @import { ParameterColumn, TrialRow } from "./trial_rows.js" */

const MAX_RANKED = 1000;
const RELOAD_DELAY_MS = 2000;
const RELOAD_DELAY_PER_TRIAL_MS = 2; // large sweeps load less often

/**
 * @typedef {object} SweepData
 * @property {Sweep} sweep
 * @property {SweepResults} results
 * @property {TrialTable} table
 *
 * @typedef {object} SweepViewState
 * @property {SweepData | null} data
 * @property {TrialRow[]} rows the best first
 * @property {ParameterColumn[]} columns
 * @property {unknown} error
 * @property {boolean} isMissing
 * @property {() => void} reload
 */

/** @param {string} id @returns {SweepViewState} */
export function useSweep(id) {
  const [data, setData] = useState(/** @type {SweepData | null} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const latest = useRef(data);
  latest.current = data;
  const loader = useRef(() => {});
  useEffect(() => {
    const controller = new AbortController();
    const reload = async () => {
      try {
        setData(await loadSweep(id, controller.signal));
        setError(null);
      } catch (failure) {
        if (!controller.signal.aborted) setError(failure);
      }
    };
    loader.current = reload;
    const stop = reloadAfterNews({
      isConcerned: (sweepId) => sweepId === id,
      reload,
      delay: () => RELOAD_DELAY_MS + RELOAD_DELAY_PER_TRIAL_MS * (latest.current?.table.number.length ?? 0),
    });
    reload();
    return () => {
      stop();
      controller.abort();
    };
  }, [id]);
  const rows = useMemo(() => (data ? buildTrialRows(data.table, data.results) : []), [data]);
  const pointers = Object.keys(data?.table.parameters ?? {});
  const columns = useMemo(() => (data ? listParameterColumns(pointers, data.sweep.spec) : []), [pointers.join("\n"), data === null]);
  const isMissing = error instanceof ApiError && error.status === 404;
  return { data, rows, columns, error, isMissing, reload: () => loader.current() };
}

/** @param {string} id @param {AbortSignal} signal @returns {Promise<SweepData>} */
async function loadSweep(id, signal) {
  const path = `/v1/sweeps/${encodeURIComponent(id)}`;
  const [sweep, results, table] = await Promise.all([
    /** @type {Promise<Sweep>} */ (getJson(path, signal)),
    /** @type {Promise<SweepResults>} */ (getJson(`${path}/results?limit=${MAX_RANKED}`, signal)),
    /** @type {Promise<TrialTable>} */ (getJson(`${path}/table`, signal)),
  ]);
  return { sweep, results, table };
}
