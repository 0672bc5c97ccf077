/**
 * JSON documents of the API, as JSDoc types. The API's OpenAPI document at /openapi.json is the reference.
 *
 * @typedef {"queued" | "running" | "paused" | "succeeded" | "diverged" | "failed" | "cancelled"} JobState
 *
 * @typedef {"jax" | "tensorflow"} Backend Keras's backend that trains a job
 *
 * @typedef {object} Fault
 * @property {string} pointer JSON pointer of the place
 * @property {string} message
 * @property {unknown} [received]
 * @property {string | null} [fix]
 * @property {PatchOperation[]} [patch] the fix as a JSON Patch, where the page can apply it
 *
 * @typedef {object} PatchOperation RFC 6902
 * @property {"add" | "replace" | "move"} op
 * @property {string} path
 * @property {unknown} [value]
 * @property {string} [from]
 *
 * @typedef {object} ProblemDocument RFC 9457
 * @property {string} type
 * @property {string} title
 * @property {number} status
 * @property {string} detail
 * @property {string} code
 * @property {Fault[]} [errors]
 *
 * @typedef {object} Metric
 * @property {number | null} last
 * @property {number | null} best
 * @property {number | null} best_epoch from 0
 *
 * @typedef {object} Reason
 * @property {string} code
 * @property {string} message
 * @property {number | null} [epoch]
 * @property {{index: number, name: string, type: string} | null} [layer]
 * @property {string | null} [hint]
 *
 * @typedef {object} JobSummary
 * @property {string} id
 * @property {string | null} name
 * @property {string[]} tags
 * @property {string | null} owner null on a server without users
 * @property {string} project
 * @property {JobState} state
 * @property {Reason | null} reason
 * @property {string} queue
 * @property {Backend} backend
 * @property {number | null} queue_position
 * @property {string | null} estimated_start
 * @property {{code: string, message: string, since: string | null} | null} waiting
 * @property {number} priority
 * @property {number} attempt
 * @property {string | null} worker
 * @property {boolean} cancel_requested
 * @property {boolean} pause_requested
 * @property {boolean} finish_requested
 * @property {number | null} until_epoch the number of epochs after which the job pauses
 * @property {string | null} retry_of
 * @property {string | null} continued_from
 * @property {{id: string, trial: number, repeat: number} | null} sweep
 * @property {{id: string | null, name: string, version: number}} dataset
 * @property {{epochs_done: number, epochs: number, seconds_left: number | null}} progress
 * @property {Record<string, Metric>} metrics
 * @property {string} created_at
 * @property {string | null} started_at
 * @property {string | null} finished_at
 * @property {(number | null)[]} [sparkline]
 */

/**
 * @template T
 * @typedef {{items: T[], next: string | null}} Page
 */

export {};
