/** What can be done to a job in its state. */

import { send, sendJson } from "../../core/api.js";

/** @import { JobDetails } from "./job_types.js" */

/**
 * @typedef {object} Action
 * @property {string} name
 * @property {string} label
 * @property {string} [confirmation] the question before it is done
 */

/** @param {JobDetails} job @returns {Action[]} */
export function listActions(job) {
  const isOver = job.finished_at !== null;
  /** @type {(Action | false)[]} */
  const actions = [
    !isOver && job.state !== "paused" && !job.pause_requested && { name: "pause", label: "Pause" },
    !isOver && (job.state === "paused" || job.pause_requested) && { name: "resume", label: describeResume(job) },
    !isOver && job.progress.epochs_done > 0 && !job.finish_requested && { name: "finish", label: "Finish", confirmation: "Stop the training now and keep the model?" },
    !isOver && !job.cancel_requested && { name: "cancel", label: "Cancel", confirmation: "Cancel this job? It cannot be resumed." },
    isOver && { name: "retry", label: "Retry" },
    { name: "delete", label: "Delete", confirmation: "Delete this job, its history and its model? This cannot be undone." },
  ];
  return actions.filter((action) => action !== false);
}

/** Whether the job has paused at its `until_epoch`, and waits for a higher number. @param {JobDetails} job */
export function isHeld(job) {
  return job.state === "paused" && job.reason?.code === "until_epoch";
}

/** Whether the job can train more epochs from where it has stopped by itself. @param {JobDetails} job */
export function canTrainFurther(job) {
  return isHeld(job) || (job.state === "succeeded" && job.checkpoint !== null);
}

/** @param {JobDetails} job */
function describeResume(job) {
  if (isHeld(job)) return "Train to the end";
  return job.state === "paused" ? "Resume" : "Do not pause";
}

/**
 * @param {string} id
 * @param {string} name of an action
 * @returns {Promise<JobDetails | null>} the job, or the new job of a retry; null after a delete
 */
export async function runAction(id, name) {
  const path = `/v1/jobs/${encodeURIComponent(id)}`;
  if (name !== "delete") return sendJson("POST", `${path}/${name}`);
  await send(path, { method: "DELETE" });
  return null;
}
