/** The loaded part of the list of jobs: pages of it, kept up to date by news of the server. */

import { useEffect, useMemo, useRef, useState } from "../../vendor/ui.js";
import { getJson } from "../../core/api.js";
import { buildCountsPath, buildListPath } from "./list_query.js";
import { followChanges } from "./live_jobs.js";

/** @import { JobState, JobSummary, Page } from "../../core/types.js" */
/** @import { ListQuery } from "./list_query.js" */
/** @import { JobNews } from "./live_jobs.js" */

/**
 * @typedef {object} JobList
 * @property {JobSummary[] | null} jobs null before the first page
 * @property {string | null} next cursor of the next page
 * @property {Record<JobState, number> | null} counts
 * @property {unknown} error
 * @property {boolean} isLoadingMore
 */

const PAGE_SIZE = 50;
const MAX_PAGE_SIZE = 200;
const RELOAD_INTERVAL_MS = 2000;
/** @type {JobList} */
const EMPTY = { jobs: null, next: null, counts: null, error: null, isLoadingMore: false };

/**
 * Return jobs with their news. The order stays until the list is loaded again.
 * @param {JobSummary[]} jobs
 * @param {JobSummary[]} changed
 * @param {string[]} deleted
 */
export function mergeNews(jobs, changed, deleted) {
  const changedById = new Map(changed.map((job) => [job.id, job]));
  const deletedIds = new Set(deleted);
  return jobs
    .filter((job) => !deletedIds.has(job.id))
    .map((job) => {
      const news = changedById.get(job.id);
      return news ? { ...news, sparkline: job.sparkline ?? [] } : job;
    });
}

/**
 * Return the list after its first page was loaded again. Jobs after that page stay, each once.
 * @param {JobSummary[]} jobs
 * @param {Page<JobSummary>} head
 * @param {string | null} next of the jobs so far
 * @returns {Page<JobSummary>}
 */
export function replaceHead(jobs, head, next) {
  if (jobs.length <= MAX_PAGE_SIZE) return head;
  const ids = new Set(head.items.map((job) => job.id));
  return { items: [...head.items, ...jobs.slice(head.items.length).filter((job) => !ids.has(job.id))], next };
}

/** Loads the list of one query. A new query needs a new loader. */
export class JobListLoader {
  /**
   * @param {ListQuery} query
   * @param {(list: JobList) => void} onChange
   */
  constructor(query, onChange) {
    this.query = query;
    this.onChange = onChange;
    this.list = EMPTY;
    this.abort = new AbortController();
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
  }

  start() {
    const stop = followChanges((news) => this.receive(news));
    this.reload();
    return () => {
      stop();
      clearTimeout(this.timer);
      this.abort.abort();
    };
  }

  /** Load the first page and the counts again, and keep the pages after it. */
  async reload() {
    clearTimeout(this.timer);
    this.timer = undefined;
    const size = Math.min(MAX_PAGE_SIZE, Math.max(PAGE_SIZE, this.list.jobs?.length ?? 0));
    await this.attempt(async () => {
      const [head, counts] = await Promise.all([
        /** @type {Promise<Page<JobSummary>>} */ (this.fetch(buildListPath(this.query, { limit: size }))),
        /** @type {Promise<Record<JobState, number>>} */ (this.fetch(buildCountsPath(this.query))),
      ]);
      const { items, next } = replaceHead(this.list.jobs ?? [], head, this.list.next);
      this.update({ jobs: items, next, counts, error: null });
    });
  }

  async loadMore() {
    const { jobs, next, isLoadingMore } = this.list;
    if (!jobs || !next || isLoadingMore) return;
    this.update({ isLoadingMore: true });
    await this.attempt(async () => {
      /** @type {Page<JobSummary>} */
      const page = await this.fetch(buildListPath(this.query, { limit: PAGE_SIZE, cursor: next }));
      const ids = new Set(this.list.jobs?.map((job) => job.id));
      const items = page.items.filter((job) => !ids.has(job.id));
      this.update({ jobs: [...(this.list.jobs ?? []), ...items], next: page.next, error: null });
    });
    this.update({ isLoadingMore: false });
  }

  /** @param {JobNews} news */
  receive(news) {
    if ("changed" in news && this.list.jobs) this.update({ jobs: mergeNews(this.list.jobs, news.changed, news.deleted) });
    this.timer ??= setTimeout(() => this.reload(), "reset" in news ? 0 : RELOAD_INTERVAL_MS);
  }

  /** @param {string} path @returns {Promise<any>} */
  fetch(path) {
    return getJson(path, this.abort.signal);
  }

  /** @param {() => Promise<void>} load */
  async attempt(load) {
    try {
      await load();
    } catch (error) {
      this.update({ error });
    }
  }

  /** @param {Partial<JobList>} changes */
  update(changes) {
    if (this.abort.signal.aborted) return;
    this.list = { ...this.list, ...changes };
    this.onChange(this.list);
  }
}

/**
 * @param {ListQuery} query
 * @returns {JobList & {reload: () => void, loadMore: () => void}}
 */
export function useJobList(query) {
  const [list, setList] = useState(EMPTY);
  const key = JSON.stringify(query);
  const loader = useMemo(() => new JobListLoader(query, setList), [key]);
  const previous = useRef(/** @type {JobList} */ (EMPTY));
  useEffect(() => loader.start(), [loader]);
  if (loader.list.jobs) previous.current = list;
  const shown = loader.list.jobs || loader.list.error ? list : previous.current; // no flicker between two queries
  return { ...shown, reload: () => loader.reload(), loadMore: () => loader.loadMore() };
}
