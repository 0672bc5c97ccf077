/**
 * News of jobs and sweeps as the server sends them. All tabs of a browser share one connection.
 *
 * Follow first, then load: then no change falls between the two. After `{reset: true}`, load again.
 */

import { signal } from "../vendor/ui.js";
import { send } from "./api.js";
import { EventConnection } from "./events/event_connection.js";
import { SharedStream } from "./events/shared_stream.js";
import { Subscriptions } from "./events/subscriptions.js";

/** @import { HistoryListener, JobsListener, SweepsListener } from "./events/subscriptions.js" */

/** Whether the connection is open. Without a follower there is none. */
export const isConnected = signal(false);

const subscriptions = new Subscriptions(() => getStream().setInterest(subscriptions.getInterest()));
/** @type {SharedStream | undefined} */
let stream;

/**
 * Call a function after each change of any job, with `{changed, deleted}` or `{reset: true}`.
 * @param {JobsListener} listener
 * @returns {() => void} stops
 */
export function followJobs(listener) {
  return subscriptions.followJobs(listener);
}

/**
 * Call a function after each change of any sweep, with `{changed, deleted}` or `{reset: true}`.
 * @param {SweepsListener} listener
 * @returns {() => void} stops
 */
export function followSweeps(listener) {
  return subscriptions.followSweeps(listener);
}

/**
 * Call a function with new epochs of a job. They replace all epochs that the page knows from `fromEpoch` on, because
 * another attempt may begin before the last one. After a reset, the listener gets null: load the history again.
 * @param {string} jobId
 * @param {HistoryListener} listener called with (history, fromEpoch)
 * @returns {() => void} stops
 */
export function followHistory(jobId, listener) {
  return subscriptions.followHistory(jobId, listener);
}

function getStream() {
  stream ??= new SharedStream({
    locks: navigator.locks, // undefined on pages without https, except on this machine: each tab connects for itself
    channel: typeof BroadcastChannel === "undefined" ? undefined : new BroadcastChannel("stackyard-events"),
    createConnection: (handlers) => new EventConnection({ ...handlers, createSource, onRefused: checkLogin }),
    onEvent: (name, data) => subscriptions.deliver(name, data),
    onStatus: (isOpen) => (isConnected.value = isOpen),
  });
  return stream;
}

/** @param {string} url */
function createSource(url) {
  return new EventSource(url);
}

/** An EventSource does not say with which status it was refused. This request leads to the login if that is missing. */
function checkLogin() {
  send("/v1/jobs?limit=1").catch(() => {});
}
