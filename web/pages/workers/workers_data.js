/** What the workers page shows: workers with their jobs, how busy they were, and the jobs that wait. */

import { useEffect, useMemo, useRef, useState } from "../../vendor/ui.js";
import { getJson } from "../../core/api.js";
import { followJobs } from "../../core/events.js";

/** @import { JobSummary, Page } from "../../core/types.js" */
/** @import { JobsNews } from "../../core/events/subscriptions.js" */

const REFRESH_MS = 15_000;
/** Changes often come in groups; the page loads once for all of them. */
const SETTLING_MS = 1000;
const MAX_ITEMS = 200;

/**
 * @typedef {object} Worker
 * @property {string} id
 * @property {"serving" | "draining" | "lost"} state
 * @property {string} host
 * @property {number} pid
 * @property {"cpu" | "gpu"} device
 * @property {string[]} cards
 * @property {string} queue
 * @property {number} concurrency
 * @property {number} threads
 * @property {string[]} jobs
 * @property {string} started_at
 * @property {string} last_seen_at
 *
 * @typedef {object} Usage
 * @property {string} from
 * @property {string} to
 * @property {number} interval_s
 * @property {{id: string, busy: (number | null)[]}[]} workers
 *
 * @typedef {object} WorkersData
 * @property {Worker[]} workers
 * @property {Usage} usage
 * @property {Map<string, JobSummary>} running by their ids
 * @property {JobSummary[]} waiting in no order
 * @property {boolean} hasMoreWaiting
 */

/** @param {AbortSignal} [signal] @returns {Promise<WorkersData>} */
export async function loadWorkersData(signal) {
  const [workers, usage, running, waiting] = await Promise.all([
    /** @type {Promise<Page<Worker>>} */ (getJson(`/v1/workers?limit=${MAX_ITEMS}`, signal)),
    /** @type {Promise<Usage>} */ (getJson("/v1/workers/usage?minutes=60", signal)),
    /** @type {Promise<Page<JobSummary>>} */ (getJson(`/v1/jobs?state=running&limit=${MAX_ITEMS}`, signal)),
    /** @type {Promise<Page<JobSummary>>} */ (getJson(`/v1/jobs?state=queued&limit=${MAX_ITEMS}`, signal)),
  ]);
  return {
    workers: workers.items,
    usage,
    running: new Map(running.items.map((job) => [job.id, job])),
    waiting: waiting.items,
    hasMoreWaiting: waiting.next !== null,
  };
}

/**
 * Return whether news concern what the page shows: a running job only moved forward if nothing else changed.
 * @param {WorkersData} data
 * @param {JobsNews} news
 */
export function needsReload(data, news) {
  if (news.reset || news.deleted.length > 0) return true;
  return news.changed.some((job) => job.state !== "running" || !data.running.has(job.id));
}

/**
 * Return the data with the progress of its running jobs.
 * @param {WorkersData} data
 * @param {JobSummary[]} changed
 * @returns {WorkersData}
 */
export function applyProgress(data, changed) {
  const running = new Map(data.running);
  for (const job of changed) if (running.has(job.id)) running.set(job.id, job);
  return { ...data, running };
}

/**
 * Group waiting jobs by queue, each in the order in which workers take them.
 * @param {JobSummary[]} jobs
 * @returns {[string, JobSummary[]][]}
 */
export function groupByQueue(jobs) {
  /** @type {Map<string, JobSummary[]>} */
  const queues = new Map();
  for (const job of jobs) queues.set(job.queue, [...(queues.get(job.queue) ?? []), job]);
  for (const queue of queues.values()) queue.sort((a, b) => (a.queue_position ?? 0) - (b.queue_position ?? 0));
  return [...queues.entries()].sort(([a], [b]) => a.localeCompare(b));
}

/** Load the data, and keep it current. @returns {{data?: WorkersData, error?: unknown, reload: () => Promise<void>}} */
export function useWorkersData() {
  const [result, setResult] = useState(/** @type {{data?: WorkersData, error?: unknown}} */ ({}));
  const current = useRef(result);
  current.current = result;
  const reload = useMemo(
    () => async () => {
      try {
        setResult({ data: await loadWorkersData() });
      } catch (error) {
        setResult({ ...current.current, error });
      }
    },
    [],
  );
  useEffect(() => {
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    let timer;
    const scheduleReload = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        reload();
      }, SETTLING_MS);
    };
    const stop = followJobs((news) => {
      const { data } = current.current;
      if (!data || needsReload(data, news)) scheduleReload();
      else if (!news.reset) setResult({ data: applyProgress(data, news.changed) });
    });
    const interval = setInterval(reload, REFRESH_MS);
    reload();
    return () => {
      stop();
      clearInterval(interval);
      clearTimeout(timer);
    };
  }, [reload]);
  return { ...result, reload };
}
