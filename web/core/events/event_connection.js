/** A connection to the server's events that is opened again after each failure, and continues where it was. */

/** @import { Interest } from "./subscriptions.js" */

const FIRST_DELAY_MS = 500;
const MAX_DELAY_MS = 15_000;
/** Several listeners often start within one frame; the connection is opened once for all of them. */
const SETTLING_MS = 50;
const EVENT_NAMES = ["jobs", "sweeps", "epochs", "reset"];
const CLOSED = 2;

/**
 * @typedef {object} ConnectionHandlers
 * @property {(name: string, data: unknown) => void} onEvent
 * @property {(isOpen: boolean) => void} onStatus
 *
 * @typedef {object} ConnectionParts
 * @property {(url: string) => EventSource} createSource
 * @property {() => void} onRefused called when the server answers with an error status
 */

/**
 * Return how long to wait before the next attempt, in milliseconds. It is random, so that the pages of all users do
 * not come back at once after a restart of the server.
 * @param {number} failures since the last success, from 1
 * @param {number} random from 0 to 1
 */
export function computeRetryDelay(failures, random) {
  return Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (failures - 1)) * (0.5 + random / 2);
}

/**
 * @param {string[]} jobs
 * @param {string} lastEventId empty if there is none
 */
export function buildEventsUrl(jobs, lastEventId) {
  const query = new URLSearchParams(jobs.map((job) => ["job", job]));
  if (lastEventId) query.set("last_event_id", lastEventId);
  const text = query.toString();
  return `/v1/events${text ? `?${text}` : ""}`;
}

export class EventConnection {
  /** @param {ConnectionHandlers & ConnectionParts} parts */
  constructor(parts) {
    this.parts = parts;
    this.lastEventId = "";
    this.failures = 0;
    /** @type {Interest} */
    this.interest = { isActive: false, jobs: [] };
    /** @type {EventSource | undefined} */
    this.source = undefined;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
  }

  /**
   * Follow these jobs from now on. The events of jobs that were followed before continue without a gap.
   * @param {Interest} interest
   */
  setInterest(interest) {
    const isSame = interest.isActive === this.interest.isActive && String(interest.jobs) === String(this.interest.jobs);
    if (isSame) return;
    this.interest = interest;
    if (!interest.isActive) this.close();
    else this.#schedule(SETTLING_MS);
  }

  /** Close the connection. What comes later is lost, so the next connection starts anew. */
  close() {
    clearTimeout(this.timer);
    this.#closeSource();
    this.lastEventId = "";
    this.failures = 0;
  }

  /** @param {number} delay in milliseconds */
  #schedule(delay) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.#open(), delay);
  }

  #closeSource() {
    this.source?.close();
    this.source = undefined;
    this.parts.onStatus(false);
  }

  #open() {
    this.source?.close();
    const source = this.parts.createSource(buildEventsUrl(this.interest.jobs, this.lastEventId));
    this.source = source;
    source.addEventListener("start", (event) => this.#handleStart(event));
    for (const name of EVENT_NAMES) source.addEventListener(name, (event) => this.#handleEvent(event));
    source.addEventListener("error", () => this.#handleError(source));
  }

  /** A connection without a last event may have missed changes since the page loaded its data. @param {MessageEvent} event */
  #handleStart(event) {
    const isNew = !this.lastEventId;
    this.failures = 0;
    this.lastEventId = event.lastEventId;
    this.parts.onStatus(true);
    if (isNew) this.parts.onEvent("reset", {});
  }

  /** @param {MessageEvent} event */
  #handleEvent(event) {
    this.lastEventId = event.lastEventId;
    this.parts.onEvent(event.type, JSON.parse(event.data));
  }

  /** @param {EventSource} source */
  #handleError(source) {
    if (source !== this.source) return;
    const isRefused = source.readyState === CLOSED;
    this.#closeSource();
    this.failures += 1;
    this.#schedule(computeRetryDelay(this.failures, Math.random()));
    if (isRefused) this.parts.onRefused();
  }
}
