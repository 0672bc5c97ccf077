/** Submit a spec once, even if the answer is lost and the user tries again. */

import { send } from "../../core/api.js";

let lastText = "";
let lastKey = "";

/**
 * @param {string} text
 * @returns {Promise<string>} the id of the job
 */
export async function submitSpec(text) {
  if (text !== lastText || !lastKey) {
    lastText = text;
    lastKey = createKey();
  }
  const headers = { "Content-Type": "application/json", "Idempotency-Key": lastKey };
  const response = await send("/v1/jobs", { method: "POST", headers, body: text });
  const job = await response.json();
  lastKey = "";
  return job.id;
}

/** @returns {string} 128 random bits; `crypto.randomUUID` is missing where the page is not served over HTTPS */
function createKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}
