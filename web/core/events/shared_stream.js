/**
 * One connection for all tabs: the tab that holds a lock, the leader, has it and passes the events on.
 *
 * When the leader is closed, the browser gives the lock to another tab. Each tab also holds a lock of its own. The
 * leader gets that one when the tab is closed, and then forgets what the tab followed.
 */

import { TabInterests } from "./tab_interests.js";

/** @import { ConnectionHandlers, EventConnection } from "./event_connection.js" */
/** @import { Interest } from "./subscriptions.js" */

const LEADER_LOCK = "stackyard-events";

/**
 * @typedef {{kind: "leader"} | {kind: "interest", tab: string, interest: Interest}
 *   | {kind: "event", name: string, data: unknown} | {kind: "status", isOpen: boolean}} Message
 *
 * @typedef {object} StreamParts
 * @property {LockManager | undefined} locks
 * @property {BroadcastChannel | undefined} channel
 * @property {(handlers: ConnectionHandlers) => EventConnection} createConnection
 * @property {(name: string, data: any) => void} onEvent
 * @property {(isOpen: boolean) => void} onStatus
 */

export class SharedStream {
  /** @param {StreamParts} parts */
  constructor(parts) {
    this.parts = parts;
    this.tab = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
    this.tabs = new TabInterests();
    /** @type {Interest} */
    this.interest = { isActive: false, jobs: [] };
    /** Set in the leader only. @type {EventConnection | undefined} */
    this.connection = undefined;
    this.isOpen = false;
    this.isListed = false;
    if (parts.locks && parts.channel) this.#joinTabs(parts.locks, parts.channel);
    else this.#lead();
  }

  /** @param {Interest} interest what this tab follows from now on */
  setInterest(interest) {
    this.interest = interest;
    if (this.connection) this.#setTabInterest(this.tab, interest);
    else this.#announceInterest();
  }

  /** @param {LockManager} locks @param {BroadcastChannel} channel */
  #joinTabs(locks, channel) {
    channel.addEventListener("message", (event) => this.#handleMessage(event.data));
    locks.request(getTabLock(this.tab), () => {
      this.isListed = true;
      this.#announceInterest();
      locks.request(LEADER_LOCK, () => this.#lead());
      return waitForever();
    });
  }

  #announceInterest() {
    if (this.isListed) this.#post({ kind: "interest", tab: this.tab, interest: this.interest });
  }

  #lead() {
    this.connection = this.parts.createConnection({
      onEvent: (name, data) => this.#passOn({ kind: "event", name, data }),
      onStatus: (isOpen) => this.#passOn({ kind: "status", isOpen }),
    });
    this.#setTabInterest(this.tab, this.interest);
    this.#post({ kind: "leader" });
    return waitForever();
  }

  /** @param {string} tab @param {Interest} interest */
  #setTabInterest(tab, interest) {
    const isNew = this.tabs.set(tab, interest);
    if (isNew && tab !== this.tab) {
      this.parts.locks?.request(getTabLock(tab), () => {
        this.tabs.remove(tab);
        this.connection?.setInterest(this.tabs.combine());
      });
      this.#post({ kind: "status", isOpen: this.isOpen });
    }
    this.connection?.setInterest(this.tabs.combine());
  }

  /** @param {Message} message */
  #handleMessage(message) {
    if (message.kind === "event") this.parts.onEvent(message.name, message.data);
    else if (message.kind === "status") this.parts.onStatus(message.isOpen);
    else if (message.kind === "leader") this.#announceInterest();
    else if (this.connection) this.#setTabInterest(message.tab, message.interest);
  }

  /** @param {Extract<Message, {kind: "event" | "status"}>} message to this tab and to the others */
  #passOn(message) {
    if (message.kind === "status") this.isOpen = message.isOpen;
    this.#post(message);
    this.#handleMessage(message);
  }

  /** @param {Message} message */
  #post(message) {
    this.parts.channel?.postMessage(message);
  }
}

/** @param {string} tab */
function getTabLock(tab) {
  return `stackyard-tab-${tab}`;
}

/** A lock is held until its promise settles or its tab is closed. @returns {Promise<never>} */
function waitForever() {
  return new Promise(() => {});
}
