/** Upload of a file with progress. `fetch` reports no progress of a request, so this uses XMLHttpRequest. */

import { ApiError, buildQuery } from "../../core/api.js";

/** @import { Dataset } from "./types.js" */
/** @import { ProblemDocument } from "../../core/types.js" */

/** Media types by the ends of file names. The longest end decides. */
const MEDIA_TYPES = [
  [".csv.gz", "application/gzip"],
  [".tsv.gz", "application/gzip"],
  [".csv", "text/csv"],
  [".tsv", "text/tab-separated-values"],
  [".parquet", "application/vnd.apache.parquet"],
  [".npz", "application/x-npz"],
];
const MAX_NAME_LENGTH = 200;

/**
 * @typedef {object} UploadOptions
 * @property {string} name of the dataset in specs
 * @property {string} [delimiter]
 * @property {string} [decimal]
 * @property {"" | "true" | "false"} [header]
 * @property {string[]} [missingValues]
 */

/** The ends of the names of files that can be uploaded. */
export const FILE_SUFFIXES = MEDIA_TYPES.map(([suffix]) => suffix).join(",");

/**
 * Return the media type of a file; undefined if its name ends in no known way.
 * @param {string} fileName
 * @returns {string | undefined}
 */
export function inferMediaType(fileName) {
  const name = fileName.toLowerCase();
  return MEDIA_TYPES.find(([suffix]) => name.endsWith(/** @type {string} */ (suffix)))?.[1];
}

/**
 * Propose a name for the dataset of a file.
 * @param {string} fileName
 * @returns {string}
 */
export function proposeName(fileName) {
  const name = fileName.replace(/\.(csv|tsv)\.gz$|\.[^.]+$/i, "").trim();
  return name.slice(0, MAX_NAME_LENGTH) || "dataset";
}

/**
 * Upload a file. Raises ApiError if the server refuses it or does not answer.
 * @param {File} file
 * @param {UploadOptions} options
 * @param {(share: number) => void} onProgress gets the share of the bytes that have been sent
 * @param {AbortSignal} signal
 * @returns {Promise<Dataset>}
 */
export function uploadFile(file, options, onProgress, signal) {
  const query = buildQuery({
    name: options.name,
    delimiter: options.delimiter,
    decimal: options.decimal,
    header: options.header,
    missing_values: options.missingValues,
  });
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/v1/datasets${query}`);
    request.setRequestHeader("Content-Type", inferMediaType(file.name) ?? "application/octet-stream");
    request.setRequestHeader("Accept", "application/json");
    request.upload.addEventListener("progress", (event) => event.lengthComputable && onProgress(event.loaded / event.total));
    request.addEventListener("load", () => finishUpload(request, resolve, reject));
    request.addEventListener("error", () => reject(buildConnectionError()));
    request.addEventListener("abort", () => reject(new DOMException("The upload was cancelled.", "AbortError")));
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

/**
 * @param {XMLHttpRequest} request
 * @param {(dataset: Dataset) => void} resolve
 * @param {(error: Error) => void} reject
 */
function finishUpload(request, resolve, reject) {
  const document = parseJson(request.responseText);
  if (request.status < 300) resolve(/** @type {Dataset} */ (document));
  else reject(new ApiError({ ...buildProblem(request.status), .../** @type {object} */ (document ?? {}), status: request.status }));
}

/** @param {string} text @returns {unknown} undefined if the text is not JSON */
function parseJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function buildConnectionError() {
  return new ApiError({ ...buildProblem(0), detail: "The connection broke during the upload. Try again." });
}

/** @param {number} status @returns {ProblemDocument} */
function buildProblem(status) {
  const detail = `The server answered with status ${status}.`;
  return { type: "about:blank", title: detail, status, detail, code: "http_error" };
}
