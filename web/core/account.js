/** The user of this page: who they are, their projects, and what they may do. */

import { computed, signal } from "../vendor/ui.js";
import { ApiError, getJson } from "./api.js";
import { chooseProject, chosenProject } from "./project.js";
import { session } from "./session.js";

/**
 * @typedef {"viewer" | "editor" | "owner"} ProjectRole
 *
 * @typedef {object} Project
 * @property {string} id
 * @property {string} name
 * @property {string} created_at
 * @property {ProjectRole | null} role null for an admin who is no member
 *
 * @typedef {object} User
 * @property {string} id
 * @property {string} name
 * @property {"member" | "admin"} role
 * @property {number} shares
 * @property {number | null} max_running
 * @property {number | null} max_queued
 * @property {number | null} max_bytes
 * @property {string | null} oidc_subject
 * @property {string | null} disabled_at
 * @property {string} created_at
 *
 * @typedef {object} Account
 * @property {User | null} user null for the token of the server
 * @property {"member" | "admin"} role
 * @property {"read" | "submit" | "admin"} scope
 * @property {string} project the id of the project of the request
 * @property {Project[]} projects
 */

/** Null until it has loaded, and on a server without users. */
export const account = signal(/** @type {Account | null} */ (null));

/** Whether the server has users, so that owners and projects matter. */
export const isTeam = computed(() => session.value?.has_users === true);

/** Whether the user is an admin whose session permits everything. */
export const isAdmin = computed(() => account.value?.role === "admin" && account.value.scope === "admin");

/** @returns {Promise<void>} */
export async function loadAccount() {
  if (!isTeam.value) return;
  try {
    account.value = await getJson("/v1/account");
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404 || chosenProject.value === null) throw error;
    chooseProject(null); // the project was deleted, or the user is no longer a member
    account.value = await getJson("/v1/account");
  }
}

/**
 * Return whether the user may change the objects of a project.
 * @param {string} [name] of the project; by default the one that this browser works in
 */
export function canEdit(name) {
  if (!isTeam.value || account.value === null) return true;
  const { role, scope, project, projects } = account.value;
  if (scope === "read") return false;
  const chosen = projects.find((one) => (name === undefined ? one.id === project : one.name === name));
  return role === "admin" || chosen?.role === "editor" || chosen?.role === "owner";
}
