/** What all tabs of the browser together need from the stream. */

/** @import { Interest } from "./subscriptions.js" */

/** The server accepts so many jobs in one stream. */
export const MAX_JOBS = 50;

export class TabInterests {
  constructor() {
    /** The tab that changed last comes last. @type {Map<string, Interest>} */
    this.interests = new Map();
  }

  /** @param {string} tab @param {Interest} interest @returns {boolean} whether the tab is new */
  set(tab, interest) {
    const isNew = !this.interests.delete(tab);
    this.interests.set(tab, interest);
    return isNew;
  }

  /** @param {string} tab */
  remove(tab) {
    this.interests.delete(tab);
  }

  /** Return the union. If it has too many jobs, those of the tabs that changed last have priority. @returns {Interest} */
  combine() {
    const interests = [...this.interests.values()].reverse();
    const jobs = new Set(interests.flatMap((interest) => interest.jobs));
    return { isActive: interests.some((interest) => interest.isActive), jobs: [...jobs].slice(0, MAX_JOBS).sort() };
  }
}
