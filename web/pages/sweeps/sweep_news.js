/** Reloads after news of sweeps. Trials that only wait or run change nothing but their jobs. */

import { followJobs, followSweeps } from "../../core/events.js";

/**
 * Call a function some time after news; further news in that time causes no further call.
 * @param {object} options
 * @param {(sweepId: string) => boolean} options.isConcerned whether news of this sweep matters
 * @param {() => unknown} options.reload
 * @param {() => number} options.delay milliseconds
 * @returns {() => void} stops
 */
export function reloadAfterNews({ isConcerned, reload, delay }) {
  let timer = 0;
  const reloadSoon = () => {
    timer ||= window.setTimeout(() => {
      timer = 0;
      reload();
    }, delay());
  };
  const stopSweeps = followSweeps((news) => {
    if (news.reset || news.changed.some((sweep) => isConcerned(sweep.id)) || news.deleted.some(isConcerned)) reloadSoon();
  });
  const stopJobs = followJobs((news) => {
    if (!news.reset && news.changed.some((job) => job.sweep && isConcerned(job.sweep.id))) reloadSoon();
  });
  return () => {
    stopSweeps();
    stopJobs();
    window.clearTimeout(timer);
  };
}
