/** Completion and hover of the editor, from the JSON Schema of a spec. */

import { syntaxTree } from "../../vendor/editor.js";
import { getPropertyValue, isValue, listProperties, readKey } from "./json_positions.js";
import { findItemSchemas, findMemberSchemas, findSchemas } from "./schema_lookup.js";

/** @import { Completion, CompletionContext, CompletionResult } from "../../vendor/editor.js" */
/** @import { EditorState } from "../../vendor/editor.js" */
/** @import { EditorView, Tooltip } from "../../vendor/editor.js" */
/** @import { SyntaxNode } from "../../vendor/editor.js" */
/** @import { Schema } from "./schema_lookup.js" */

/**
 * @param {Schema} schema
 * @param {CompletionContext} context
 * @returns {CompletionResult | null}
 */
export function completeSpec(schema, context) {
  const { state, pos } = context;
  const node = syntaxTree(state).resolveInner(pos, -1);
  const typed = context.matchBefore(/"?\w*/);
  const from = node.name === "String" || node.name === "PropertyName" ? node.from : (typed?.from ?? pos);
  if (from === pos && !context.explicit) return null;
  const to = node.name === "String" || node.name === "PropertyName" ? node.to : pos;
  const options = listOptions(schema, state, node);
  return options.length > 0 ? { from, to, options, validFor: /^"?\w*"?$/ } : null;
}

/** @param {Schema} schema @param {EditorState} state @param {SyntaxNode} node @returns {Completion[]} */
function listOptions(schema, state, node) {
  if (isValue(node) && node.name === "String") return listValueOptions(findSchemas(state, schema, node), true);
  const container = findContainer(node);
  if (!container) return [];
  if (container.name === "Object") return listKeyOptions(state, container, findSchemas(state, schema, container));
  if (container.name === "Array") {
    return listValueOptions(findItemSchemas(schema, findSchemas(state, schema, container), state, null), false);
  }
  const object = container.parent;
  const key = readKey(state, container);
  if (!object || key === null) return [];
  const schemas = findMemberSchemas(schema, findSchemas(state, schema, object), key, state, null);
  return listValueOptions(schemas, false);
}

/** @param {SyntaxNode} node @returns {SyntaxNode | null} the object, array or property in which something is typed */
function findContainer(node) {
  /** @type {SyntaxNode | null} */
  let container = node.name === "PropertyName" ? (node.parent?.parent ?? null) : node;
  while (container && !["Object", "Array", "Property"].includes(container.name)) container = container.parent;
  if (container?.name === "Property" && getPropertyValue(container)) return container.parent;
  return container;
}

/** @param {EditorState} state @param {SyntaxNode} object @param {Schema[]} schemas @returns {Completion[]} */
function listKeyOptions(state, object, schemas) {
  const present = new Set(listProperties(object).filter(getPropertyValue).map((property) => readKey(state, property)));
  /** @type {Map<string, Completion>} */
  const options = new Map();
  for (const schema of schemas) {
    for (const [key, member] of Object.entries(schema.properties ?? {})) {
      if (present.has(key) || options.has(key)) continue;
      const isRequired = schema.required?.includes(key) ?? false;
      options.set(key, {
        label: `"${key}"`,
        apply: `"${key}": `,
        detail: isRequired ? "required" : formatDefault(member),
        boost: isRequired ? 10 : 0,
        type: "property",
        ...(member.description ? { info: member.description } : {}),
      });
    }
  }
  return [...options.values()];
}

/** @param {Schema[]} schemas @param {boolean} isString only strings @returns {Completion[]} */
function listValueOptions(schemas, isString) {
  const options = schemas.flatMap((schema) => {
    const values = schema.const === undefined ? listDistinctNames(schema) : [schema.const];
    const scalars = schema.type === "boolean" ? [true, false] : values;
    const completions = scalars
      .filter((value) => !isString || typeof value === "string")
      .map((value) => ({ label: JSON.stringify(value), type: "constant" }));
    return schema.type === "object" && !isString ? [...completions, ...listObjectOptions(schema)] : completions;
  });
  return [...new Map(options.map((option) => [option.label, option])).values()];
}

/** @param {Schema} schema @returns {unknown[]} the values of an enumeration; of a class, only Keras's own name */
function listDistinctNames(schema) {
  const values = schema.enum ?? [];
  /** @type {Map<string, unknown>} */
  const names = new Map();
  for (const value of values) {
    const key = String(value).replaceAll("_", "").toLowerCase();
    if (!names.has(key)) names.set(key, value);
  }
  return [...names.values()];
}

/** @param {Schema} schema of an object with a `type` @returns {Completion[]} the object with its required members */
function listObjectOptions(schema) {
  const tag = schema.properties?.["type"] ?? schema.properties?.["method"];
  const name = tag?.const ?? tag?.enum?.[0];
  if (typeof name !== "string") return [];
  const key = schema.properties?.["type"] ? "type" : "method";
  const others = (schema.required ?? []).filter((member) => member !== key);
  const members = [`"${key}": ${JSON.stringify(name)}`, ...others.map((member) => writeMember(schema, member))];
  const text = `{${members.join(", ")}}`;
  return [{ label: text, displayLabel: text, type: "class", ...(schema.description ? { info: schema.description } : {}) }];
}

/** @param {Schema} schema @param {string} key @returns {string} */
function writeMember(schema, key) {
  const member = schema.properties?.[key] ?? {};
  const number = member.minimum ?? 1;
  const value = { integer: number, number, array: [], object: {}, boolean: true }[member.type ?? ""] ?? "";
  return `"${key}": ${JSON.stringify(value)}`;
}

/**
 * Describe the member or the object under the pointer.
 * @param {Schema} schema
 * @param {EditorView} view
 * @param {number} position
 * @returns {Tooltip | null}
 */
export function describeSpec(schema, view, position) {
  const node = syntaxTree(view.state).resolveInner(position, 1);
  const value = node.name === "PropertyName" ? node.parent && getPropertyValue(node.parent) : node;
  if (!value || !isValue(value) || value.name === "Object" || value.name === "Array") {
    if (node.name !== "PropertyName" || !value) return null;
  }
  const lines = findSchemas(view.state, schema, value).map(describeSchema).filter(Boolean);
  if (lines.length === 0) return null;
  return { pos: node.from, end: node.to, above: true, create: () => ({ dom: buildTooltip([...new Set(lines)].slice(0, 4)) }) };
}

/** @param {Schema} schema @returns {string} */
function describeSchema(schema) {
  const bounds = [
    schema.minimum === undefined ? "" : `at least ${schema.minimum}`,
    schema.exclusiveMinimum === undefined ? "" : `greater than ${schema.exclusiveMinimum}`,
    schema.maximum === undefined ? "" : `at most ${schema.maximum}`,
    schema.exclusiveMaximum === undefined ? "" : `less than ${schema.exclusiveMaximum}`,
  ].filter(Boolean);
  const choices = schema.enum ? `one of ${listDistinctNames(schema).slice(0, 12).join(", ")}` : (schema.type ?? "");
  const facts = [choices, ...bounds, formatDefault(schema)].filter(Boolean).join(", ");
  return [schema.description, facts].filter(Boolean).join("\n");
}

/** @param {Schema} schema @returns {string} */
function formatDefault(schema) {
  const value = JSON.stringify(schema.default);
  return value && value !== "null" && value.length < 40 ? `default ${value}` : "";
}

/** @param {string[]} paragraphs @returns {HTMLElement} */
function buildTooltip(paragraphs) {
  const element = document.createElement("div");
  element.className = "spec-hover";
  for (const paragraph of paragraphs) {
    const line = document.createElement("p");
    line.textContent = paragraph;
    element.append(line);
  }
  return element;
}
