/** The listeners of this tab, and what they need from the stream. */

/** @import { SweepSummary } from "../sweep_types.js" */
/** @import { JobSummary } from "../types.js" */

/**
 * @typedef {{changed: JobSummary[], deleted: string[], reset?: undefined} | {reset: true}} JobsNews
 * @typedef {(news: JobsNews) => void} JobsListener
 * @typedef {{changed: SweepSummary[], deleted: string[], reset?: undefined} | {reset: true}} SweepsNews
 * @typedef {(news: SweepsNews) => void} SweepsListener
 *
 * @typedef {object} HistoryColumns columns of equal length; epochs count from 0
 * @property {number[]} epochs
 * @property {Record<string, (number | null)[]>} metrics
 * @property {Record<string, Record<string, string>>} nonfinite
 *
 * @typedef {(history: HistoryColumns | null, fromEpoch: number) => void} HistoryListener
 *
 * @typedef {object} Interest
 * @property {boolean} isActive whether anything listens
 * @property {string[]} jobs whose epochs are followed
 */

export class Subscriptions {
  /** @param {() => void} onChange called when the interest may have changed */
  constructor(onChange) {
    this.onChange = onChange;
    /** @type {Set<JobsListener>} */
    this.jobsListeners = new Set();
    /** @type {Set<SweepsListener>} */
    this.sweepsListeners = new Set();
    /** @type {Map<string, Set<HistoryListener>>} */
    this.historyListeners = new Map();
  }

  /** @param {JobsListener} listener @returns {() => void} stops */
  followJobs(listener) {
    const own = (/** @type {JobsNews} */ news) => listener(news); // the same function may follow twice
    this.jobsListeners.add(own);
    this.onChange();
    return () => {
      if (this.jobsListeners.delete(own)) this.onChange();
    };
  }

  /** @param {SweepsListener} listener @returns {() => void} stops */
  followSweeps(listener) {
    const own = (/** @type {SweepsNews} */ news) => listener(news);
    this.sweepsListeners.add(own);
    this.onChange();
    return () => {
      if (this.sweepsListeners.delete(own)) this.onChange();
    };
  }

  /** @param {string} jobId @param {HistoryListener} listener @returns {() => void} stops */
  followHistory(jobId, listener) {
    /** @type {HistoryListener} */
    const own = (history, fromEpoch) => listener(history, fromEpoch);
    const listeners = this.historyListeners.get(jobId) ?? new Set();
    this.historyListeners.set(jobId, listeners.add(own));
    this.onChange();
    return () => {
      if (!listeners.delete(own)) return;
      if (listeners.size === 0) this.historyListeners.delete(jobId);
      this.onChange();
    };
  }

  /** @returns {Interest} */
  getInterest() {
    const jobs = [...this.historyListeners.keys()].sort();
    return { isActive: this.jobsListeners.size + this.sweepsListeners.size + jobs.length > 0, jobs };
  }

  /**
   * Give an event of the stream to its listeners.
   * @param {string} name
   * @param {any} data
   */
  deliver(name, data) {
    if (name === "jobs") for (const listener of [...this.jobsListeners]) listener(data);
    else if (name === "sweeps") for (const listener of [...this.sweepsListeners]) listener(data);
    else if (name === "epochs") {
      for (const listener of [...(this.historyListeners.get(data.job) ?? [])]) listener(data.history, data.from_epoch);
    } else if (name === "reset") this.#reset();
  }

  #reset() {
    for (const listener of [...this.jobsListeners, ...this.sweepsListeners]) listener({ reset: true });
    for (const listeners of [...this.historyListeners.values()]) {
      for (const listener of [...listeners]) listener(null, 0);
    }
  }
}
