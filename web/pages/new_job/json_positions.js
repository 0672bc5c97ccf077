/** Places in JSON text: JSON pointers (RFC 6901) to positions and back, by the syntax tree of CodeMirror. */

import { syntaxTree } from "../../vendor/editor.js";

/** @import { EditorState } from "../../vendor/editor.js" */
/** @import { SyntaxNode } from "../../vendor/editor.js" */
/** @typedef {{from: number, to: number}} Range */

const VALUES = new Set(["Object", "Array", "String", "Number", "True", "False", "Null"]);

/** @param {SyntaxNode} node @returns {boolean} */
export function isValue(node) {
  return VALUES.has(node.name);
}

/** @param {EditorState} state @returns {SyntaxNode | null} the value that the whole text is */
export function findRoot(state) {
  return listValues(syntaxTree(state).topNode)[0] ?? null;
}

/** @param {string} pointer @returns {string[]} */
export function parsePointer(pointer) {
  return pointer.split("/").slice(1).map((segment) => segment.replaceAll("~1", "/").replaceAll("~0", "~"));
}

/**
 * Return the value at a JSON pointer, or the nearest value above it that the text has.
 * @param {EditorState} state
 * @param {string} pointer
 * @returns {SyntaxNode | null} null if the text has no value
 */
export function findNearestValue(state, pointer) {
  let node = findRoot(state);
  for (const segment of parsePointer(pointer)) {
    const child = node && findChild(state, node, segment);
    if (!child) break;
    node = child;
  }
  return node;
}

/**
 * Return the value at a JSON pointer.
 * @param {EditorState} state
 * @param {string} pointer
 * @returns {SyntaxNode | null}
 */
export function findValue(state, pointer) {
  let node = findRoot(state);
  for (const segment of parsePointer(pointer)) node = node && findChild(state, node, segment);
  return node;
}

/**
 * Return the range to underline for a fault: the value at the pointer, but of an object or an array its first line.
 * @param {EditorState} state
 * @param {string} pointer
 * @returns {Range}
 */
export function findRange(state, pointer) {
  const node = findNearestValue(state, pointer);
  if (!node) return { from: 0, to: 0 };
  return { from: node.from, to: Math.min(node.to, state.doc.lineAt(node.from).to) };
}

/** @param {EditorState} state @returns {number | null} the first position at which the text is not JSON */
export function findSyntaxError(state) {
  /** @type {number | null} */
  let position = null;
  syntaxTree(state).iterate({
    enter: (node) => {
      if (node.type.isError) position ??= node.from;
    },
  });
  return position;
}

/** @param {SyntaxNode} node of an object @returns {SyntaxNode[]} */
export function listProperties(node) {
  return listChildren(node).filter((child) => child.name === "Property");
}

/**
 * @param {EditorState} state
 * @param {SyntaxNode} property
 * @returns {string | null} null while the key is not complete
 */
export function readKey(state, property) {
  const name = property.getChild("PropertyName");
  return name && readString(state, name);
}

/** @param {SyntaxNode} property @returns {SyntaxNode | null} */
export function getPropertyValue(property) {
  return listValues(property)[0] ?? null;
}

/**
 * @param {EditorState} state
 * @param {SyntaxNode} object
 * @param {string} key
 * @returns {string | null} null unless the member is a string
 */
export function readStringMember(state, object, key) {
  const value = object.name === "Object" ? findChild(state, object, key) : null;
  return value?.name === "String" ? readString(state, value) : null;
}

/** @param {SyntaxNode} node @returns {SyntaxNode[]} the items of an array, or the values directly below another node */
export function listValues(node) {
  return listChildren(node).filter(isValue);
}

/**
 * @param {EditorState} state
 * @param {SyntaxNode} node
 * @param {string} segment
 * @returns {SyntaxNode | null}
 */
function findChild(state, node, segment) {
  if (node.name === "Array") return listValues(node)[Number(segment)] ?? null;
  const property = listProperties(node).find((candidate) => readKey(state, candidate) === segment);
  return property ? getPropertyValue(property) : null;
}

/** @param {SyntaxNode} node @returns {SyntaxNode[]} */
function listChildren(node) {
  const children = [];
  for (let child = node.firstChild; child; child = child.nextSibling) children.push(child);
  return children;
}

/** @param {EditorState} state @param {SyntaxNode} node @returns {string | null} */
function readString(state, node) {
  try {
    return JSON.parse(state.sliceDoc(node.from, node.to));
  } catch {
    return null;
  }
}
