/** The fields of the prediction form: the feature columns of a job, and the row that the fields hold. */

/** @import { Fault } from "../../../core/types.js" */

/**
 * @typedef {object} ColumnDescription
 * @property {string} name
 * @property {string} type integer, float, boolean, text, date or unsupported
 * @property {boolean} [unnamed]
 * @property {(boolean | number | string)[] | null} categories
 * @property {number | null} minimum
 * @property {number | null} maximum
 * @property {number} missing
 *
 * @typedef {object} Field
 * @property {string} name of the column
 * @property {"number" | "select" | "text"} kind
 * @property {(boolean | number | string)[]} options of a select
 * @property {string} hint
 * @property {string} sample a typical value
 */

const MAX_OPTIONS = 100;

/**
 * @param {any} data the `data` of a spec, with defaults
 * @param {ColumnDescription[]} columns of the dataset
 * @returns {Field[]}
 */
export function listFields(data, columns) {
  const names = new Set(listFeatureNames(data, columns));
  return columns.filter((column) => names.has(column.name)).map(buildField);
}

/**
 * Build a row for the API. A field that is empty becomes null, a missing value.
 * @param {Field[]} fields
 * @param {Record<string, string>} texts by column
 * @returns {Record<string, boolean | number | string | null>}
 */
export function buildRow(fields, texts) {
  return Object.fromEntries(fields.map((field) => [field.name, parseText(field, texts[field.name] ?? "")]));
}

/**
 * Find the messages of a problem document for each column; those for no column are under "".
 * @param {Fault[]} faults
 * @param {string[]} names of columns
 * @returns {Record<string, string>}
 */
export function groupFaults(faults, names) {
  /** @type {Record<string, string>} */
  const messages = {};
  for (const fault of faults) {
    const last = decodePointer(fault.pointer.split("/")[3] ?? "");
    const name = names.includes(last) ? last : (names.find((one) => fault.message.includes(`"${one}"`)) ?? "");
    messages[name] = messages[name] ? `${messages[name]} ${fault.message}` : fault.message;
  }
  return messages;
}

/** @param {any} data @param {ColumnDescription[]} columns @returns {string[]} */
function listFeatureNames(data, columns) {
  if (data.features) return data.features.flatMap((/** @type {any} */ group) => group.columns);
  const splits = Object.values(data.split ?? {}).flatMap((/** @type {any} */ method) => method?.column ?? []);
  const reserved = new Set([data.target?.column, data.sample_weight, splits].flat());
  return columns.filter((column) => !reserved.has(column.name) && !column.unnamed && column.type !== "unsupported").map((column) => column.name);
}

/** @param {ColumnDescription} column @returns {Field} */
function buildField(column) {
  const { name, type, categories, minimum, maximum } = column;
  const isNumber = type === "integer" || type === "float";
  const options = !isNumber && categories && categories.length <= MAX_OPTIONS ? categories : [];
  const hasRange = isNumber && minimum !== null && maximum !== null;
  return {
    name,
    kind: options.length > 0 ? "select" : isNumber ? "number" : "text",
    options,
    hint: hasRange ? `${minimum} to ${maximum}` : type,
    sample: hasRange ? formatMiddle(minimum, maximum, type) : String(categories?.[0] ?? ""),
  };
}

/** @param {number} minimum @param {number} maximum @param {string} type */
function formatMiddle(minimum, maximum, type) {
  const middle = (minimum + maximum) / 2;
  return String(type === "integer" ? Math.round(middle) : Number(middle.toPrecision(4)));
}

/** @param {Field} field @param {string} text */
function parseText(field, text) {
  if (text.trim() === "") return null;
  if (field.kind === "select") return field.options.find((option) => String(option) === text) ?? text;
  return field.kind === "number" && Number.isFinite(Number(text)) ? Number(text) : text;
}

/** @param {string} token of a JSON pointer */
function decodePointer(token) {
  return token.replaceAll("~1", "/").replaceAll("~0", "~");
}
