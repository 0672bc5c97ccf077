/** The selected jobs. A job stays selected when the list no longer shows it. */

import { useMemo, useState } from "../../vendor/ui.js";

/** @import { JobState, JobSummary } from "../../core/types.js" */

/**
 * @typedef {object} Selection
 * @property {JobSummary[]} jobs
 * @property {(id: string) => boolean} has
 * @property {(job: JobSummary) => void} toggle
 * @property {(jobs: JobSummary[], isSelected: boolean) => void} setAll
 * @property {() => void} clear
 */

/** @typedef {"cancel" | "pause" | "resume" | "finish" | "retry" | "delete" | "tag"} JobAction */

/** The states that each action applies to; the others apply to all. @type {Partial<Record<JobAction, JobState[]>>} */
const STATES_BY_ACTION = {
  cancel: ["queued", "running", "paused"],
  pause: ["queued", "running"],
  resume: ["paused"],
  finish: ["running", "paused"],
  retry: ["succeeded", "diverged", "failed", "cancelled"],
};

/**
 * Return those of the jobs that an action applies to.
 * @param {JobSummary[]} jobs
 * @param {JobAction} action
 */
export function selectApplicable(jobs, action) {
  const states = STATES_BY_ACTION[action];
  return states ? jobs.filter((job) => states.includes(job.state)) : jobs;
}

/**
 * @param {JobSummary[]} listed the jobs of the list, as new as they are known
 * @returns {Selection}
 */
export function useSelection(listed) {
  const [selected, setSelected] = useState(/** @type {Map<string, JobSummary>} */ (new Map()));
  return useMemo(() => {
    const newest = new Map(listed.map((job) => [job.id, job]));
    return {
      jobs: [...selected].map(([id, job]) => newest.get(id) ?? job),
      has: (id) => selected.has(id),
      toggle: (job) => setSelected((before) => changeSelection(before, [job], !before.has(job.id))),
      setAll: (jobs, isSelected) => setSelected((before) => changeSelection(before, jobs, isSelected)),
      clear: () => setSelected(new Map()),
    };
  }, [selected, listed]);
}

/**
 * @param {Map<string, JobSummary>} selected
 * @param {JobSummary[]} jobs
 * @param {boolean} isSelected
 */
function changeSelection(selected, jobs, isSelected) {
  const changed = new Map(selected);
  for (const job of jobs) {
    if (isSelected) changed.set(job.id, job);
    else changed.delete(job.id);
  }
  return changed;
}
