/**
 * @import { JobSummary } from "../../core/types.js"
 * @import { HistoryColumns } from "../job/curves/history.js"
 */

/**
 * @typedef {object} Difference
 * @property {string} pointer into the specs
 * @property {unknown[]} values one per job, null where it is absent
 *
 * @typedef {{epochs: number[], mean: number[], low: number[], high: number[]}} Band
 * @typedef {{jobs: number[], metrics: Record<string, Band>}} Repeats
 *
 * @typedef {object} Comparison
 * @property {JobSummary[]} jobs
 * @property {string[]} metrics
 * @property {Difference[]} differences
 * @property {HistoryColumns[]} histories in the order of the jobs
 * @property {Repeats[]} repeats
 */

export {};
