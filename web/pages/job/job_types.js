/**
 * Documents of the API that only the page of a job reads.
 *
 * @import { Backend, JobState, JobSummary, Reason } from "../../core/types.js"
 *
 * @typedef {object} Transition
 * @property {JobState | null} from
 * @property {JobState} to
 * @property {number} attempt
 * @property {string} at
 * @property {Reason | null} reason
 *
 * @typedef {{code: string, pointer: string, message: string, fix: string}} Advice
 *
 * @typedef {{classes: (boolean | number | string)[], matrix: number[][]}} Confusion
 *
 * @typedef {object} Residuals
 * @property {string} column
 * @property {number} count
 * @property {number | null} mean
 * @property {number | null} standard_deviation
 * @property {number | null} mean_absolute
 * @property {number | null} root_mean_square
 * @property {Record<string, number | null>} quantiles
 * @property {{edges: number[], counts: number[]}} histogram
 *
 * @typedef {object} Evaluation
 * @property {"test" | "validation"} on
 * @property {number | null} rows
 * @property {number} rows_left_out
 * @property {Record<string, number | null>} metrics
 * @property {Record<string, string>} nonfinite
 * @property {Confusion | null} confusion
 * @property {Residuals[] | null} residuals
 *
 * @typedef {object} JobExtras
 * @property {{id: string, name: string | null, state: JobState, priority: number}[] | null} before
 * @property {number | null} hidden_before
 * @property {{epoch: number, step: number, at: string, bytes: number} | null} checkpoint
 * @property {{backend: Backend, device: string, threads: number, precision: string, versions: Record<string, string>} | null} ran_on
 * @property {number | null} peak_memory bytes
 * @property {Transition[]} transitions
 * @property {Evaluation | null} evaluation
 * @property {Advice[]} warnings
 * @property {any} spec
 *
 * @typedef {JobSummary & JobExtras} JobDetails
 *
 * @typedef {{spec: any, as_sent: any}} SentSpec `as_sent` is null where it equals the spec, or was not kept
 *
 * @typedef {object} CheckReport
 * @property {(number | null)[]} input_shape
 * @property {{index: number, type: string, name: string, output_shape: (number | null)[], parameters: number, trainable_parameters: number}[]} layers
 * @property {{parameters: number, trainable_parameters: number, non_trainable_parameters: number}} totals
 * @property {{train: number, validation: number, test: number}} rows
 * @property {{total_bytes: number}} memory
 * @property {{name: Backend, reason: string}} backend
 * @property {Advice[]} warnings
 */

export {};
