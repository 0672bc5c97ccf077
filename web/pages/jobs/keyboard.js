/** Keys of the list: `/` searches, arrows move between rows, Enter opens a job, X selects it, Escape clears. */

import { useEffect } from "../../vendor/ui.js";
import { navigate } from "../../core/router.js";

/** @import { JobSummary } from "../../core/types.js" */
/** @import { Selection } from "./selection.js" */

/**
 * @param {{jobs: JobSummary[], selection: Selection, activeId: string | null, onActivate: (id: string) => void}} list
 */
export function useListKeys(list) {
  useEffect(() => {
    /** @param {KeyboardEvent} event */
    const listen = (event) => {
      if (isForAnotherControl(event)) return;
      const handle = findHandler(event.key, list);
      if (!handle) return;
      event.preventDefault();
      handle();
    };
    document.addEventListener("keydown", listen);
    return () => document.removeEventListener("keydown", listen);
  });
}

/**
 * @param {string} key
 * @param {Parameters<typeof useListKeys>[0]} list
 * @returns {(() => void) | undefined}
 */
function findHandler(key, { jobs, selection, activeId, onActivate }) {
  const index = jobs.findIndex((job) => job.id === activeId);
  const active = jobs[index];
  /** @param {number} target */
  const move = (target) => {
    const job = jobs[Math.max(0, Math.min(jobs.length - 1, target))];
    if (!job) return;
    onActivate(job.id);
    focusRow(job.id);
  };
  /** @type {Record<string, (() => void) | undefined>} */
  const handlers = {
    "/": () => document.getElementById("job-search")?.focus(),
    ArrowDown: () => move(index + 1),
    ArrowUp: () => move(index < 0 ? 0 : index - 1),
    Home: () => move(0),
    End: () => move(jobs.length - 1),
    Enter: active && (() => navigate(`/jobs/${active.id}`)),
    x: active && (() => selection.toggle(active)),
    Escape: selection.jobs.length > 0 ? selection.clear : undefined,
  };
  return handlers[key];
}

/** @param {KeyboardEvent} event */
function isForAnotherControl({ target, ctrlKey, metaKey, altKey, defaultPrevented }) {
  if (ctrlKey || metaKey || altKey || defaultPrevented || !(target instanceof Element)) return true;
  if (document.querySelector("dialog[open]")) return true;
  return target.matches("input:not([type=checkbox]), textarea, select, button, a, [contenteditable]");
}

/** @param {string} id */
function focusRow(id) {
  const row = document.querySelector(`tr[data-job="${CSS.escape(id)}"]`);
  if (row instanceof HTMLElement) row.focus();
}
