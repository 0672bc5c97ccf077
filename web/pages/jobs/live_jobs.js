/** News of jobs: from the server's events or, where there are none, by asking every few seconds. */

/** @import { JobSummary } from "../../core/types.js" */

/** @typedef {{changed: JobSummary[], deleted: string[]} | {reset: true}} JobNews */

const EVENTS_MODULE = "../../core/events.js";
const POLL_INTERVAL_MS = 5000;

/**
 * Call a function after each change of a job.
 * @param {(news: JobNews) => void} listener
 * @returns {() => void} stops
 */
export function followChanges(listener) {
  let isStopped = false;
  let stop = () => {};
  startFollowing(listener).then((stopFollowing) => {
    if (isStopped) stopFollowing();
    else stop = stopFollowing;
  });
  return () => {
    isStopped = true;
    stop();
  };
}

/** @param {(news: JobNews) => void} listener @returns {Promise<() => void>} */
async function startFollowing(listener) {
  try {
    const events = await import(EVENTS_MODULE);
    return events.followJobs(listener);
  } catch {
    const timer = setInterval(() => listener({ reset: true }), POLL_INTERVAL_MS);
    return () => clearInterval(timer);
  }
}
