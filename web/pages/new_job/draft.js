/** The text of the editor, kept while the tab is open. */

const KEY = "stackyard.new_job.draft";

/** @returns {string | null} */
export function loadDraft() {
  try {
    return sessionStorage.getItem(KEY);
  } catch {
    return null; // The browser forbids storage; then a reload loses the draft.
  }
}

/** @param {string | null} text null removes the draft */
export function saveDraft(text) {
  try {
    if (text === null) sessionStorage.removeItem(KEY);
    else sessionStorage.setItem(KEY, text);
  } catch {
    // As above.
  }
}
