/**
 * JSON documents of sweeps, as JSDoc types. The API's OpenAPI document at /openapi.json is the reference.
 *
 * @import { Fault, JobState } from "./types.js"
 *
 * @typedef {"running" | "paused" | "succeeded" | "cancelled" | "failed"} SweepState
 * @typedef {"waiting" | "running" | "held" | "complete" | "halted" | "diverged" | "failed" | "invalid"} TrialState
 * @typedef {{code: string, message: string}} SweepReason
 * @typedef {{metric: string, mode: "min" | "max", at: "best" | "last"}} Objective
 * @typedef {Record<string, any>} Parameters values by JSON pointers into the base
 *
 * @typedef {object} Budget
 * @property {number | null} trials
 * @property {number | null} epochs
 * @property {number | null} seconds
 * @property {number} used_trials
 * @property {number} used_epochs
 * @property {number} used_seconds
 *
 * @typedef {object} SweepSummary
 * @property {string} id
 * @property {string | null} name
 * @property {string | null} owner null on a server without users
 * @property {string} project
 * @property {string[]} tags
 * @property {SweepState} state
 * @property {SweepReason | null} reason
 * @property {SweepReason | null} ending
 * @property {string} method
 * @property {Objective} objective
 * @property {number} priority
 * @property {number | null} max_concurrent
 * @property {Record<TrialState, number>} counts
 * @property {Budget} budget
 * @property {{trial: number, value: number} | null} best
 * @property {string} created_at
 * @property {string} changed_at
 * @property {string | null} finished_at
 *
 * @typedef {SweepSummary & {rungs: number[], rerun_trials: number[] | null, spec: any}} Sweep
 *
 * @typedef {object} Trial
 * @property {number} number
 * @property {Parameters} parameters
 * @property {TrialState} state
 * @property {{code: string, message: string, errors: Fault[]} | null} reason
 * @property {number | null} value
 * @property {number[]} repeat_values
 * @property {{epoch: number, value: number | null, number: number}[]} reports
 * @property {number} reruns
 * @property {number} epochs
 * @property {number} seconds
 * @property {{id: string, repeat: number, state: JobState, epochs_done: number, epochs: number}[]} jobs
 *
 * @typedef {{n: number, mean: number, low: number | null, high: number | null}} Estimate
 * @typedef {{difference: Estimate, is_distinguishable: boolean | null}} Difference
 * @typedef {{number: number, parameters: Parameters, estimate: Estimate, difference: Difference | null}} RankedTrial
 * @typedef {{number: number, value: number, complete_trials: number, at: string}} Improvement
 * @typedef {{epochs: number, trials: number, best: number | null}} RungCount
 * @typedef {{pointer: string, key: string, share: number}} Importance
 *
 * @typedef {object} SweepResults
 * @property {string} metric
 * @property {"min" | "max"} mode
 * @property {RankedTrial[]} ranking
 * @property {Improvement[]} improvements
 * @property {RungCount[]} rungs
 * @property {Importance[]} importances
 * @property {{trials: number, jobs: number, epochs: number, seconds: number}} cost
 *
 * @typedef {object} TrialTable columns of equal length
 * @property {number[]} number
 * @property {TrialState[]} state
 * @property {(number | null)[]} value
 * @property {number[]} n
 * @property {number[]} epochs
 * @property {number[]} seconds
 * @property {(string | null)[]} job
 * @property {Record<string, any[]>} parameters
 */

export {};
