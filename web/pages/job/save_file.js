/** Responses that a link cannot ask for, saved as files. */

import { send } from "../../core/api.js";

/**
 * @param {string} path
 * @param {RequestInit} options
 * @param {string} name of the file
 */
export async function saveFile(path, options, name) {
  const response = await send(path, options);
  const url = URL.createObjectURL(await response.blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
