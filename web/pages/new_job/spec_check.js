/** The check of a spec by the server while it is typed. */

import { useEffect, useState } from "../../vendor/ui.js";
import { ApiError, sendJson } from "../../core/api.js";

/** @import { Fault } from "../../core/types.js" */

const DELAY_MS = 300;

/**
 * @typedef {object} CheckReport the part of the server's report that the page shows
 * @property {{index: number, type: string, name: string, output_shape: number[], parameters: number}[]} layers
 * @property {number[]} input_shape
 * @property {{parameters: number, trainable_parameters: number}} totals
 * @property {{train: number | null, validation: number | null, test: number | null}} rows
 * @property {{total_bytes: number}} memory
 * @property {{name: string, reason: string}} backend
 * @property {{row: number, epoch: number | null}} flops
 * @property {number | null} steps_per_epoch
 * @property {{kind: string, classes: unknown[] | null}} task
 * @property {(Fault & {fix: string})[]} warnings
 * @property {{id: string, name: string, version: number}} dataset
 *
 * @typedef {object} CheckResult
 * @property {string} text the text that was checked
 * @property {CheckReport | null} report null unless the spec is valid
 * @property {Fault[]} faults
 * @property {unknown} error where the server gave no answer
 */

/**
 * Check a text when it has not changed for a moment.
 * @param {string} text
 * @returns {CheckResult | null} the last result, which may belong to an earlier text
 */
export function useSpecCheck(text) {
  const [result, setResult] = useState(/** @type {CheckResult | null} */ (null));
  useEffect(() => {
    const controller = new AbortController();
    const timer = setTimeout(async () => {
      const next = await checkSpec(text, controller.signal);
      if (next && !controller.signal.aborted) setResult(next);
    }, DELAY_MS);
    return () => {
      clearTimeout(timer);
      controller.abort();
    };
  }, [text]);
  return result;
}

/**
 * @param {string} text
 * @param {AbortSignal} signal
 * @returns {Promise<CheckResult | null>} null if the check was aborted
 */
async function checkSpec(text, signal) {
  try {
    const report = /** @type {CheckReport} */ (await sendJson("POST", "/v1/specs/check", text, signal));
    return { text, report, faults: [], error: null };
  } catch (error) {
    if (signal.aborted) return null;
    const faults = error instanceof ApiError ? (error.problem.errors ?? []) : [];
    return { text, report: null, faults, error: faults.length > 0 ? null : error };
  }
}
