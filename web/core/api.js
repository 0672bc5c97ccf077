/** Requests to the API of this server. */

import { buildProjectHeader } from "./project.js";

/** @import { ProblemDocument } from "./types.js" */

/** A response with an error status, or no response at all. */
export class ApiError extends Error {
  /** @param {ProblemDocument} problem */
  constructor(problem) {
    super(problem.detail || problem.title);
    this.problem = problem;
    this.status = problem.status;
    this.code = problem.code;
  }
}

/** @type {Set<() => void>} */
const unauthorizedListeners = new Set();

/**
 * Call a function whenever the server asks for a login.
 * @param {() => void} listener
 */
export function onUnauthorized(listener) {
  unauthorizedListeners.add(listener);
}

/**
 * Send a request, and return the response. Raises ApiError if the status is an error or the server does not answer.
 * @param {string} path
 * @param {RequestInit} [options]
 * @returns {Promise<Response>}
 */
export async function send(path, options = {}) {
  let response;
  try {
    const headers = { ...buildProjectHeader(), ...options.headers };
    response = await fetch(path, { credentials: "same-origin", ...options, headers });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new ApiError(buildProblem(0, "unreachable", "The server does not answer. The page retries by itself."));
  }
  if (response.ok) return response;
  if (response.status === 401) for (const listener of unauthorizedListeners) listener();
  throw new ApiError(await readProblem(response));
}

/**
 * @template T
 * @param {string} path
 * @param {AbortSignal} [signal]
 * @returns {Promise<T>}
 */
export async function getJson(path, signal) {
  const response = await send(path, { headers: { Accept: "application/json" }, ...(signal ? { signal } : {}) });
  return response.json();
}

/**
 * Send a JSON body, and return the JSON of the response. Without a body, the result is undefined.
 * @template T
 * @param {"POST" | "PATCH" | "PUT" | "DELETE"} method
 * @param {string} path
 * @param {unknown} [body]
 * @param {AbortSignal} [signal]
 * @returns {Promise<T>}
 */
export async function sendJson(method, path, body, signal) {
  const response = await send(path, {
    method,
    headers: { Accept: "application/json", ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
    ...(signal ? { signal } : {}),
  });
  const text = await response.text();
  return text ? JSON.parse(text) : /** @type {any} */ (undefined);
}

/**
 * Build a query string from parameters, without those that are null, undefined or empty. Lists repeat a parameter.
 * @param {Record<string, string | number | boolean | string[] | null | undefined>} parameters
 * @returns {string} empty, or with the leading question mark
 */
export function buildQuery(parameters) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(parameters)) {
    for (const item of Array.isArray(value) ? value : [value]) {
      if (item !== null && item !== undefined && item !== "") query.append(name, String(item));
    }
  }
  const text = query.toString();
  return text ? `?${text}` : "";
}

/**
 * @param {Response} response
 * @returns {Promise<ProblemDocument>}
 */
async function readProblem(response) {
  try {
    const problem = await response.json();
    if (typeof problem.detail === "string") return { ...problem, status: response.status };
  } catch {
    // Not JSON: a proxy answered.
  }
  return buildProblem(response.status, "http_error", `The server answered with status ${response.status}.`);
}

/**
 * @param {number} status
 * @param {string} code
 * @param {string} detail
 * @returns {ProblemDocument}
 */
function buildProblem(status, code, detail) {
  return { type: "about:blank", title: detail, status, detail, code };
}
