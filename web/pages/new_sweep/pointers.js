/** JSON pointers (RFC 6901), and the values of a spec that a sweep can vary. */

/** @typedef {{pointer: string, value: any}} Place */

/** @param {string} segment @returns {string} */
export function escapeSegment(segment) {
  return segment.replace(/~/g, "~0").replace(/\//g, "~1");
}

/** @param {string} pointer @returns {string[]} */
export function splitPointer(pointer) {
  return pointer.split("/").slice(1).map((segment) => segment.replace(/~1/g, "/").replace(/~0/g, "~"));
}

/**
 * @param {any} document
 * @param {string} pointer
 * @returns {any} undefined where the document has no such place
 */
export function readPointer(document, pointer) {
  return splitPointer(pointer).reduce((value, segment) => value?.[segment], document);
}

/**
 * Apply a JSON Patch (RFC 6902) to a document.
 * @template T
 * @param {T} document stays as it is
 * @param {import("../../core/types.js").PatchOperation[]} patch
 * @returns {T}
 */
export function applyPatch(document, patch) {
  const copy = structuredClone(document);
  for (const { op, path, value, from } of patch) {
    const moved = op === "move" ? removeMember(copy, from ?? "") : value;
    const segments = splitPointer(path);
    const key = segments.pop() ?? "";
    const parent = segments.reduce((/** @type {any} */ holder, segment) => holder?.[segment], copy);
    if (Array.isArray(parent) && op !== "replace") parent.splice(key === "-" ? parent.length : Number(key), 0, moved);
    else if (parent && typeof parent === "object") parent[key] = moved;
  }
  return copy;
}

/** @param {any} document @param {string} pointer @returns {any} the value that was removed */
function removeMember(document, pointer) {
  const segments = splitPointer(pointer);
  const key = segments.pop() ?? "";
  const parent = segments.reduce((holder, segment) => holder?.[segment], document);
  const value = parent?.[key];
  if (Array.isArray(parent)) parent.splice(Number(key), 1);
  else if (parent) delete parent[key];
  return value;
}

/** Members of a spec that change nothing about its training. */
const FIXED = /^\/(name|tags|run|data\/dataset|data\/target|data\/test_dataset)(\/|$)|\/(type|name)$|\/seed$/;

/**
 * List the values of a spec that a sweep can vary: numbers, booleans and texts at any depth, and short lists of them.
 * @param {any} value
 * @param {string} [pointer]
 * @returns {Place[]}
 */
export function listPlaces(value, pointer = "") {
  if (FIXED.test(pointer)) return [];
  if (value === null || value === undefined) return [];
  if (typeof value !== "object") return [{ pointer, value }];
  if (Array.isArray(value) && value.length > 0 && value.every((item) => typeof item !== "object")) return [{ pointer, value }];
  return Object.entries(value).flatMap(([key, member]) => listPlaces(member, `${pointer}/${escapeSegment(key)}`));
}

const USUAL = /\/(learning_rate|units|rate|filters|kernel_size|batch_size|momentum|weight_decay|activation|l1|l2|factor)$/;

/**
 * Return the places that are varied most often.
 * @param {Place[]} places
 * @returns {Place[]}
 */
export function suggestPlaces(places) {
  const output = places.filter(({ pointer }) => /\/layers\/\d+\/units$/.test(pointer)).at(-1)?.pointer.replace(/units$/, "");
  return places.filter(({ pointer }) => USUAL.test(pointer) && !(output && pointer.startsWith(output)));
}
