/** The schemas that apply at a place of a spec: follows $ref, unions and discriminators of a JSON Schema. */

import { getPropertyValue, isValue, listProperties, readKey, readStringMember } from "./json_positions.js";

/** @import { EditorState } from "../../vendor/editor.js" */
/** @import { SyntaxNode } from "../../vendor/editor.js" */

/**
 * @typedef {object} Schema the keywords of JSON Schema that the schema of a spec uses
 * @property {string} [$ref]
 * @property {Record<string, Schema>} [$defs]
 * @property {Schema[]} [anyOf]
 * @property {Schema[]} [oneOf]
 * @property {{propertyName: string, mapping: Record<string, string>}} [discriminator]
 * @property {string} [type]
 * @property {unknown[]} [enum]
 * @property {unknown} [const]
 * @property {unknown} [default]
 * @property {string} [title]
 * @property {string} [description]
 * @property {Record<string, Schema>} [properties]
 * @property {boolean | Schema} [additionalProperties]
 * @property {string[]} [required]
 * @property {Schema} [items]
 * @property {number} [minimum]
 * @property {number} [maximum]
 * @property {number} [exclusiveMinimum]
 * @property {number} [exclusiveMaximum]
 */

/**
 * Return the schemas of a value, without references and unions. A discriminator in the text selects one of a union.
 * @param {EditorState} state
 * @param {Schema} root
 * @param {SyntaxNode} node of a value
 * @returns {Schema[]}
 */
export function findSchemas(state, root, node) {
  const parent = findParentValue(node);
  if (!parent) return expandSchema(root, root, state, node);
  const schemas = findSchemas(state, root, parent);
  if (parent.name === "Array") return findItemSchemas(root, schemas, state, node);
  const key = node.parent && readKey(state, node.parent);
  return key === null ? [] : findMemberSchemas(root, schemas, key, state, node);
}

/**
 * @param {Schema} root
 * @param {Schema[]} schemas of an object
 * @param {string} key
 * @param {EditorState} state
 * @param {SyntaxNode | null} node of the member's value, if the text has one
 * @returns {Schema[]}
 */
export function findMemberSchemas(root, schemas, key, state, node) {
  return schemas.flatMap((schema) => {
    const other = typeof schema.additionalProperties === "object" ? schema.additionalProperties : null;
    const member = schema.properties?.[key] ?? other;
    return member ? expandSchema(root, member, state, node) : [];
  });
}

/**
 * @param {Schema} root
 * @param {Schema[]} schemas of an array
 * @param {EditorState} state
 * @param {SyntaxNode | null} node of the item, if the text has one
 * @returns {Schema[]}
 */
export function findItemSchemas(root, schemas, state, node) {
  return schemas.flatMap((schema) => (schema.items ? expandSchema(root, schema.items, state, node) : []));
}

/** @param {SyntaxNode} node @returns {SyntaxNode | null} the object or array that holds a value */
function findParentValue(node) {
  let parent = node.parent;
  while (parent && !isValue(parent)) parent = parent.parent;
  return parent;
}

/**
 * @param {Schema} root
 * @param {Schema} schema
 * @param {EditorState} state
 * @param {SyntaxNode | null} node
 * @returns {Schema[]}
 */
function expandSchema(root, schema, state, node) {
  const resolved = resolveReference(root, schema);
  const members = resolved.oneOf ?? resolved.anyOf;
  if (!members) return [resolved];
  const selected = node && resolved.discriminator ? selectMember(root, resolved.discriminator, state, node) : null;
  if (selected) return [selected];
  const expanded = members.flatMap((member) => expandSchema(root, member, state, node));
  const fitting = node ? expanded.filter((member) => fitsText(member, state, node)) : [];
  return fitting.length > 0 ? fitting : expanded;
}

/** @param {Schema} root @param {Schema} schema @returns {Schema} */
function resolveReference(root, schema) {
  if (!schema.$ref) return schema;
  const target = root.$defs?.[schema.$ref.replace("#/$defs/", "")] ?? {};
  const { $ref: _, ...siblings } = schema;
  return { ...resolveReference(root, target), ...siblings };
}

/**
 * @param {Schema} root
 * @param {NonNullable<Schema["discriminator"]>} discriminator
 * @param {EditorState} state
 * @param {SyntaxNode} node
 * @returns {Schema | null}
 */
function selectMember(root, { propertyName, mapping }, state, node) {
  const tag = readStringMember(state, node, propertyName);
  if (tag === null) return null;
  const name = Object.keys(mapping).find((candidate) => normalizeName(candidate) === normalizeName(tag));
  return name ? resolveReference(root, { $ref: mapping[name] ?? "" }) : null;
}

/**
 * Return whether a member of a union without a discriminator may be meant: the same kind of value, and known keys.
 * @param {Schema} schema
 * @param {EditorState} state
 * @param {SyntaxNode} node
 * @returns {boolean}
 */
function fitsText(schema, state, node) {
  if (node.name === "Array") return schema.type === "array";
  if (node.name !== "Object") return schema.type !== "object" && schema.type !== "array";
  if (schema.type !== "object") return false;
  if (!schema.properties) return true;
  const keys = listProperties(node).filter(getPropertyValue).map((property) => readKey(state, property));
  return keys.every((key) => key === null || key in (schema.properties ?? {}));
}

/** @param {string} name @returns {string} the name as the server compares it */
function normalizeName(name) {
  return name.replaceAll("_", "").toLowerCase();
}
