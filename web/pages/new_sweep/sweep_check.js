/** The check of a sweep by the server while the form changes. */

import { useEffect, useState } from "../../vendor/ui.js";
import { ApiError, sendJson } from "../../core/api.js";

/** @import { Fault } from "../../core/types.js" */
/** @import { Objective, Parameters } from "../../core/sweep_types.js" */

const DELAY_MS = 300;

/**
 * @typedef {object} SweepReport
 * @property {Objective} objective
 * @property {number} dimensions
 * @property {number | null} grid_size
 * @property {{trials: number | null, jobs: number | null, epochs: number | null, rungs: {epoch: number, trials: number}[]}} plan
 * @property {{count: number, invalid: number, errors: {fault: Fault, count: number, parameters: Parameters}[]}} samples
 * @property {number} architectures
 * @property {{training_s: number, elapsed_s: number | null, known_share: number} | null} duration
 * @property {(Fault & {code: string})[]} warnings
 *
 * @typedef {object} SweepCheck
 * @property {string} text of the document that was checked
 * @property {SweepReport | null} report null unless the sweep is valid
 * @property {Fault[]} faults
 * @property {unknown} error where the server gave no answer
 */

/**
 * Check a document when it has not changed for a moment.
 * @param {string | null} text null checks nothing
 * @returns {SweepCheck | null} the last result, which may belong to an earlier document
 */
export function useSweepCheck(text) {
  const [check, setCheck] = useState(/** @type {SweepCheck | null} */ (null));
  useEffect(() => {
    if (text === null) {
      setCheck(null);
      return undefined;
    }
    const controller = new AbortController();
    const timer = setTimeout(async () => {
      const next = await checkSweep(text, controller.signal);
      if (next && !controller.signal.aborted) setCheck(next);
    }, DELAY_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [text]);
  return check;
}

/** @param {string} text @param {AbortSignal} signal @returns {Promise<SweepCheck | null>} null if it was aborted */
async function checkSweep(text, signal) {
  try {
    return { text, report: await sendJson("POST", "/v1/sweeps/check", text, signal), faults: [], error: null };
  } catch (error) {
    if (signal.aborted) return null;
    const faults = error instanceof ApiError ? (error.problem.errors ?? []) : [];
    return { text, report: null, faults, error: faults.length > 0 ? null : error };
  }
}
