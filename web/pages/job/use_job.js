/** A job with its history, loaded and kept up to date while its page is open. */

import { useEffect, useRef, useState } from "../../vendor/ui.js";
import { ApiError, buildQuery, getJson } from "../../core/api.js";
import { EMPTY_HISTORY, replaceEpochs } from "./curves/history.js";
import { followJob } from "./live_updates.js";

/** @import { JobSummary } from "../../core/types.js" */
/** @import { HistoryColumns } from "./curves/history.js" */
/** @import { JobDetails } from "./job_types.js" */

const MAX_POINTS = 2000;
const MAX_ADDED_POINTS = 10_000;
const MIN_RELOAD_MS = 1000;
const QUEUE_POLL_MS = 5000;

/**
 * @typedef {object} JobView
 * @property {JobDetails | null} job
 * @property {HistoryColumns} history
 * @property {unknown} error
 * @property {boolean} isDeleted
 * @property {(job: JobDetails) => void} setJob
 * @property {() => void} reload
 * @property {(from: number | null, to: number | null) => void} refine load finer points between two epochs from 0
 */

/** @param {string} id @returns {JobView} */
export function useJob(id) {
  const [job, setJob] = useState(/** @type {JobDetails | null} */ (null));
  const [history, setHistory] = useState(EMPTY_HISTORY);
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const [isDeleted, setDeleted] = useState(false);
  const loader = useRef(/** @type {JobLoader | null} */ (null));
  useEffect(() => {
    const created = new JobLoader(id, { setJob, setHistory, setError, setDeleted });
    loader.current = created;
    created.start();
    return () => created.stop();
  }, [id]);
  useEffect(() => {
    if (job?.state !== "queued") return undefined;
    const timer = setInterval(() => loader.current?.loadJob(), QUEUE_POLL_MS); // a place in the queue has no events
    return () => clearInterval(timer);
  }, [job?.state]);
  return {
    job,
    history,
    error,
    isDeleted,
    setJob: (changed) => loader.current?.applyChange(changed),
    reload: () => loader.current?.loadAll(),
    refine: (from, to) => loader.current?.refine(from, to),
  };
}

class JobLoader {
  /**
   * @param {string} id
   * @param {object} setters
   * @param {(job: JobDetails) => void} setters.setJob
   * @param {(change: (history: HistoryColumns) => HistoryColumns) => void} setters.setHistory
   * @param {(error: unknown) => void} setters.setError
   * @param {(isDeleted: boolean) => void} setters.setDeleted
   */
  constructor(id, setters) {
    this.path = `/v1/jobs/${encodeURIComponent(id)}`;
    this.id = id;
    this.setters = setters;
    this.aborter = new AbortController();
    this.unfollow = () => {};
    /** @type {JobDetails | null} */
    this.job = null;
    /** @type {{news: HistoryColumns, fromEpoch: number}[] | null} news that came before the history; null once it is there */
    this.earlyNews = [];
    this.addedPoints = 0; // since the history was loaded, thinned
    this.lastReload = 0;
    this.version = 0; // of the job, counted by the changes that this page made
    this.timer = 0;
  }

  /** Follow first, then load: then no change falls between the two. */
  start() {
    this.unfollow = followJob(this.id, {
      onChange: (summary) => this.showSummary(summary),
      onEpochs: (news, fromEpoch) => this.addEpochs(news, fromEpoch),
      onDelete: () => this.setters.setDeleted(true),
      onReset: () => this.loadAll(),
    });
    this.loadAll();
  }

  stop() {
    this.unfollow();
    this.aborter.abort();
    clearTimeout(this.timer);
  }

  loadAll() {
    this.loadJob();
    this.loadHistory();
  }

  /** Load the job, at most once per interval. */
  reloadSoon() {
    if (this.timer) return;
    const delay = Math.max(0, this.lastReload + MIN_RELOAD_MS - Date.now());
    this.timer = window.setTimeout(() => {
      this.timer = 0;
      this.loadJob();
    }, delay);
  }

  async loadJob() {
    this.lastReload = Date.now();
    const version = this.version;
    await this.attempt(async () => {
      const job = /** @type {JobDetails} */ (await getJson(this.path, this.aborter.signal));
      if (version !== this.version) return; // it may be from before the change
      this.showJob(job);
      this.setters.setError(null);
    });
  }

  /** Show the result of an action. @param {JobDetails} job */
  applyChange(job) {
    this.version += 1;
    this.showJob(job);
    this.reloadSoon();
  }

  /** A summary lacks the transitions, the evaluation and more, which change with the state. @param {JobSummary} summary */
  showSummary(summary) {
    const job = this.job;
    if (!job || hasOtherState(job, summary)) this.reloadSoon();
    else this.showJob({ ...job, ...summary });
  }

  /** @param {JobDetails} job */
  showJob(job) {
    this.job = job;
    this.setters.setJob(job);
  }

  async loadHistory() {
    this.earlyNews ??= [];
    await this.attempt(async () => {
      const history = await this.fetchHistory({});
      const news = this.earlyNews ?? [];
      this.addedPoints = 0;
      this.earlyNews = null;
      this.setters.setHistory(() => news.reduce((sum, one) => replaceEpochs(sum, one.news, one.fromEpoch), history));
    });
  }

  /** @param {number | null} from @param {number | null} to */
  async refine(from, to) {
    if (from === null || to === null) return;
    await this.attempt(async () => {
      const news = await this.fetchHistory({ from_epoch: from, to_epoch: to });
      this.setters.setHistory((history) => replaceEpochs(history, news, from, to));
    });
  }

  /** @param {HistoryColumns} news @param {number} fromEpoch */
  addEpochs(news, fromEpoch) {
    this.addedPoints += news.epochs.length;
    if (this.earlyNews) this.earlyNews.push({ news, fromEpoch });
    else this.setters.setHistory((history) => replaceEpochs(history, news, fromEpoch));
    if (!this.earlyNews && this.addedPoints > MAX_ADDED_POINTS) this.loadHistory();
  }

  /** @param {Record<string, number>} range @returns {Promise<HistoryColumns>} */
  fetchHistory(range) {
    return getJson(`${this.path}/history${buildQuery({ max_points: MAX_POINTS, ...range })}`, this.aborter.signal);
  }

  /** @param {() => Promise<void>} load */
  async attempt(load) {
    try {
      await load();
    } catch (error) {
      if (this.aborter.signal.aborted) return;
      if (error instanceof ApiError && error.status === 0) this.reloadSoon(); // the server restarts
      this.setters.setError(error);
    }
  }
}

/** @param {JobSummary} before @param {JobSummary} after */
function hasOtherState(before, after) {
  return before.state !== after.state || before.attempt !== after.attempt || before.finished_at !== after.finished_at;
}
