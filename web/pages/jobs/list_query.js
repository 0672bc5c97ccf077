/** What the list of jobs shows, as the address of the page says it, and the requests that load it. */

import { buildQuery } from "../../core/api.js";
import { parseOwnership } from "../../components/ownership_filter.js";

/** @import { JobState } from "../../core/types.js" */

/**
 * @typedef {object} ListQuery
 * @property {string} text
 * @property {JobState[]} states
 * @property {string[]} tags
 * @property {string} dataset
 * @property {string} sweep the id of the sweep that the jobs belong to
 * @property {string} owner empty for all, `me`, or a name
 * @property {string} project empty for all
 * @property {string} metric
 * @property {string} sort
 * @property {"asc" | "desc"} order
 */

/** @type {JobState[]} */
export const STATES = ["running", "queued", "paused", "succeeded", "diverged", "failed", "cancelled"];
export const DEFAULT_METRIC = "loss";
const DEFAULT_SORT = "created_at";
const TEXT_SORTS = ["name", "state", "dataset"];
const MINIMIZED = /loss|error|mae|mse|rmse|divergence|crossentropy|poisson|hinge/i;

/** @param {URLSearchParams} parameters @returns {ListQuery} */
export function parseListQuery(parameters) {
  const sort = parameters.get("sort") ?? DEFAULT_SORT;
  const order = parameters.get("order");
  return {
    text: parameters.get("q") ?? "",
    states: STATES.filter((state) => parameters.getAll("state").includes(state)),
    tags: parameters.getAll("tag"),
    dataset: parameters.get("dataset") ?? "",
    sweep: parameters.get("sweep") ?? "",
    ...parseOwnership(parameters),
    metric: parameters.get("metric") || DEFAULT_METRIC,
    sort,
    order: order === "asc" || order === "desc" ? order : chooseFirstOrder(sort),
  };
}

/** @param {ListQuery} query @returns {boolean} */
export function hasFilters({ text, states, tags, dataset, sweep, owner, project }) {
  return Boolean(text || states.length || tags.length || dataset || sweep || owner || project);
}

/**
 * @param {ListQuery} query
 * @param {{limit: number, cursor?: string | null}} page
 */
export function buildListPath(query, { limit, cursor }) {
  const { metric, sort, order } = query;
  return `/v1/jobs${buildQuery({ ...buildFilters(query), state: query.states, sort, order, sparkline: metric, limit, cursor })}`;
}

/** The counts by state do not depend on the chosen states, so that each can be chosen. @param {ListQuery} query */
export function buildCountsPath(query) {
  return `/v1/jobs/counts${buildQuery(buildFilters(query))}`;
}

/**
 * Return the parameters of the address after a click on the header of a column: its order, its other order, and then
 * the newest jobs first again.
 * @param {ListQuery} query
 * @param {string} sort
 */
export function chooseNextSort(query, sort) {
  const first = chooseFirstOrder(sort);
  if (query.sort !== sort) return { sort, order: first };
  if (query.order === first) return { sort, order: first === "asc" ? "desc" : "asc" };
  return { sort: null, order: null };
}

/** Return the more useful order: text from A, times from the newest, losses from the smallest. @param {string} sort */
export function chooseFirstOrder(sort) {
  const isAscending = TEXT_SORTS.includes(sort) || (sort.startsWith("metrics.") && MINIMIZED.test(sort));
  return isAscending ? "asc" : "desc";
}

/** @param {string[]} values @param {string} value @returns {string[]} */
export function toggleValue(values, value) {
  return values.includes(value) ? values.filter((other) => other !== value) : [...values, value];
}

/** @param {ListQuery} query */
function buildFilters({ text, tags, dataset, sweep, owner, project }) {
  return { q: text, tag: tags, dataset, sweep, owner, project };
}
