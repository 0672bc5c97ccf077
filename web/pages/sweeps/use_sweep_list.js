/** The loaded pages of the list of sweeps, kept up to date while the page is open. */

import { useEffect, useRef, useState } from "../../vendor/ui.js";
import { buildQuery, getJson } from "../../core/api.js";
import { reloadAfterNews } from "./sweep_news.js";

/** @import { Page } from "../../core/types.js" */
/** @import { SweepState, SweepSummary } from "../../core/sweep_types.js" */

/** @typedef {{text: string, states: SweepState[], owner: string, project: string}} SweepQuery */

const PAGE_SIZE = 50;
const MAX_PAGE_SIZE = 200;
const RELOAD_DELAY_MS = 2000;

/**
 * @param {SweepQuery} query
 * @returns {{page: Page<SweepSummary> | null, error: unknown, reload: () => void, loadMore: () => void}}
 */
export function useSweepList({ text, states, owner, project }) {
  const [page, setPage] = useState(/** @type {Page<SweepSummary> | null} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const count = useRef(PAGE_SIZE);
  const key = JSON.stringify([text, states, owner, project]);
  /** @param {{limit: number, cursor?: string | null}} part @param {AbortSignal} [signal] @returns {Promise<Page<SweepSummary>>} */
  const fetchPage = (part, signal) => getJson(`/v1/sweeps${buildQuery({ q: text, state: states, owner, project, ...part })}`, signal);
  const [aborter, setAborter] = useState(/** @type {AbortController | null} */ (null));

  /** @param {AbortSignal} signal */
  const reload = async (signal) => {
    try {
      const loaded = await fetchPage({ limit: Math.min(MAX_PAGE_SIZE, count.current) }, signal);
      // A list longer than the longest page of the server keeps what was loaded after it.
      setPage((before) => (count.current > MAX_PAGE_SIZE && before ? replaceStart(before, loaded) : loaded));
      setError(null);
    } catch (failure) {
      if (!signal.aborted) setError(failure);
    }
  };
  const loadMore = async () => {
    if (!page?.next) return;
    try {
      const more = await fetchPage({ limit: PAGE_SIZE, cursor: page.next });
      count.current = page.items.length + more.items.length;
      setPage({ items: [...page.items, ...more.items], next: more.next });
    } catch (failure) {
      setError(failure);
    }
  };
  useEffect(() => {
    const controller = new AbortController();
    setAborter(controller);
    count.current = PAGE_SIZE;
    const stop = reloadAfterNews({ isConcerned: () => true, reload: () => reload(controller.signal), delay: () => RELOAD_DELAY_MS });
    reload(controller.signal);
    return () => {
      stop();
      controller.abort();
    };
  }, [key]);
  return { page, error, reload: () => aborter && reload(aborter.signal), loadMore };
}

/**
 * @param {Page<SweepSummary>} before
 * @param {Page<SweepSummary>} start
 * @returns {Page<SweepSummary>}
 */
function replaceStart(before, start) {
  const ids = new Set(start.items.map((sweep) => sweep.id));
  const rest = before.items.slice(start.items.length).filter((sweep) => !ids.has(sweep.id));
  return { items: [...start.items, ...rest], next: before.next };
}
