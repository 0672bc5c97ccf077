/** JSON Patch (RFC 6902) as changes of text, which leave the rest of the text as its author wrote it. */

import { findValue, listProperties, parsePointer } from "./json_positions.js";

/** @import { EditorState } from "../../vendor/editor.js" */
/** @import { PatchOperation } from "../../core/types.js" */
/** @typedef {{from: number, to: number, insert: string}} Change */

/**
 * Return the changes that apply a patch, or null if the text no longer has the place.
 * @param {EditorState} state
 * @param {PatchOperation[]} patch
 * @returns {Change[] | null}
 */
export function buildChanges(state, patch) {
  const changes = patch.map((operation) => buildChange(state, operation));
  return changes.some((change) => change === null) ? null : /** @type {Change[]} */ (changes);
}

/** @param {EditorState} state @param {PatchOperation} operation @returns {Change | null} */
function buildChange(state, operation) {
  if (operation.op === "move") return renameKey(state, operation.from ?? "", operation.path);
  if (operation.op === "add") return addMember(state, operation.path, operation.value);
  const value = findValue(state, operation.path);
  return value && { from: value.from, to: value.to, insert: JSON.stringify(operation.value) };
}

/** @param {EditorState} state @param {string} from @param {string} to @returns {Change | null} */
function renameKey(state, from, to) {
  const name = findValue(state, from)?.parent?.getChild("PropertyName");
  return name ? { from: name.from, to: name.to, insert: JSON.stringify(parsePointer(to).at(-1)) } : null;
}

/** @param {EditorState} state @param {string} pointer @param {unknown} value @returns {Change | null} */
function addMember(state, pointer, value) {
  const object = findValue(state, pointer.slice(0, pointer.lastIndexOf("/")));
  if (object?.name !== "Object") return null;
  const separator = listProperties(object).length > 0 ? ", " : "";
  const member = `${JSON.stringify(parsePointer(pointer).at(-1))}: ${JSON.stringify(value)}${separator}`;
  return { from: object.from + 1, to: object.from + 1, insert: member };
}
