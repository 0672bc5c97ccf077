/** The project that this browser works in: new jobs, datasets and sweeps belong to it. */

import { signal } from "../vendor/ui.js";

export const PROJECT_HEADER = "X-Stackyard-Project";
const STORAGE_KEY = "stackyard.project";

/** The id of the project; null leaves the choice to the server. */
export const chosenProject = signal(readStored());

/** @param {string | null} id */
export function chooseProject(id) {
  chosenProject.value = id;
  try {
    if (id === null) window.localStorage.removeItem(STORAGE_KEY);
    else window.localStorage.setItem(STORAGE_KEY, id);
  } catch {
    // Without storage, the choice lasts until the page is closed.
  }
}

/** @returns {Record<string, string>} the header of every request */
export function buildProjectHeader() {
  return chosenProject.value === null ? {} : { [PROJECT_HEADER]: chosenProject.value };
}

function readStored() {
  try {
    return window.localStorage.getItem(STORAGE_KEY);
  } catch {
    return null;
  }
}
