/** Submit a document once, even if the answer is lost and the user tries again. */

import { send } from "./api.js";

let lastText = "";
let lastKey = "";

/**
 * @param {"/v1/jobs" | "/v1/sweeps"} path
 * @param {string} text
 * @returns {Promise<string>} the id of the job or sweep
 */
export async function submitDocument(path, text) {
  if (path + text !== lastText || !lastKey) {
    lastText = path + text;
    lastKey = createKey();
  }
  const headers = { "Content-Type": "application/json", "Idempotency-Key": lastKey };
  const response = await send(path, { method: "POST", headers, body: text });
  const { id } = await response.json();
  lastKey = "";
  return id;
}

/** @returns {string} 128 random bits; `crypto.randomUUID` is missing where the page is not served over HTTPS */
function createKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
