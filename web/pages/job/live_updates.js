/** News of one job, from the stream that all tabs share. */

import { followHistory, followJobs } from "../../core/events.js";

/** @import { JobSummary } from "../../core/types.js" */
/** @import { HistoryColumns } from "./curves/history.js" */

/**
 * @typedef {object} JobListener
 * @property {(summary: JobSummary) => void} onChange
 * @property {(news: HistoryColumns, fromEpoch: number) => void} onEpochs the news replaces all epochs from `fromEpoch`
 * @property {() => void} onDelete
 * @property {() => void} onReset everything must be loaded again
 */

/**
 * @param {string} id
 * @param {JobListener} listener
 * @returns {() => void} stops
 */
export function followJob(id, listener) {
  const stopJobs = followJobs((news) => {
    if (news.reset) return; // the history has the same reset
    if (news.deleted.includes(id)) listener.onDelete();
    const summary = news.changed.find((job) => job.id === id);
    if (summary) listener.onChange(summary);
  });
  const stopHistory = followHistory(id, (news, fromEpoch) => (news ? listener.onEpochs(news, fromEpoch) : listener.onReset()));
  return () => {
    stopJobs();
    stopHistory();
  };
}
