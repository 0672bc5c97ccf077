/** Parameters of a sweep as the form edits them: texts, which may not be valid yet. */

/**
 * @typedef {"uniform" | "log_uniform" | "int" | "values" | "json"} ParameterKind
 *
 * @typedef {object} ParameterDraft
 * @property {string} pointer
 * @property {ParameterKind} kind
 * @property {string} low
 * @property {string} high
 * @property {string} step empty without one
 * @property {boolean} isLog of integers
 * @property {string} values separated by commas
 * @property {string} also pointers that get the same value, separated by blanks
 * @property {string} json of a parameter that the form has no fields for, such as a choice
 */

/** @type {{kind: ParameterKind, label: string}[]} */
export const KINDS = [
  { kind: "uniform", label: "number, even" },
  { kind: "log_uniform", label: "number, logarithmic" },
  { kind: "int", label: "whole number" },
  { kind: "values", label: "values" },
  { kind: "json", label: "JSON" },
];

/** @type {Omit<ParameterDraft, "pointer" | "kind">} */
const EMPTY = { low: "", high: "", step: "", isLog: false, values: "", also: "", json: "" };

/**
 * Suggest how to vary a place, from its name and its value.
 * @param {string} pointer
 * @param {any} value
 * @returns {ParameterDraft}
 */
export function suggestParameter(pointer, value) {
  const name = pointer.split("/").at(-1) ?? "";
  const bounds = (/** @type {number} */ low, /** @type {number} */ high) => ({ low: formatNumber(round(low)), high: formatNumber(round(high)) });
  if (typeof value !== "number") return { ...EMPTY, pointer, kind: "values", values: suggestValues(name, value) };
  if (/^(learning_rate|weight_decay|epsilon|l1|l2)$/.test(name)) {
    const middle = value > 0 ? value : 0.001;
    return { ...EMPTY, pointer, kind: "log_uniform", ...bounds(middle / 10, middle * 10) };
  }
  if (name === "rate") return { ...EMPTY, pointer, kind: "uniform", ...bounds(0, 0.6), step: "0.1" };
  if (name === "batch_size") return { ...EMPTY, pointer, kind: "values", values: [value / 2, value, value * 2].map(Math.ceil).join(", ") };
  if (/^(momentum|beta_1|beta_2|rho)$/.test(name)) return { ...EMPTY, pointer, kind: "values", values: value === 0.9 ? "0, 0.9" : `${value}, 0.9` };
  if (Number.isInteger(value) && value >= 2) return { ...EMPTY, pointer, kind: "int", isLog: true, ...bounds(Math.max(1, Math.round(value / 4)), value * 4) };
  if (Number.isInteger(value) && value === 1) return { ...EMPTY, pointer, kind: "int", ...bounds(1, 4) };
  return { ...EMPTY, pointer, kind: "uniform", ...bounds(value > 0 ? value / 2 : 0, value > 0 ? value * 2 : 1) };
}

/** A suggestion has few digits, because it is a rough guess. @param {number} value */
function round(value) {
  return Number(value.toPrecision(Math.abs(value) >= 10 ? 3 : 2));
}

/** @param {string} name @param {any} value */
function suggestValues(name, value) {
  if (typeof value === "boolean") return "true, false";
  if (name === "activation" && typeof value === "string") return [...new Set([value, "relu", "tanh", "gelu"])].join(", ");
  return typeof value === "string" ? value : JSON.stringify(value);
}

/**
 * Build a parameter of the sweep's document. What cannot be read stays a text, so that the check names it.
 * @param {ParameterDraft} draft
 * @returns {any}
 */
export function buildParameter(draft) {
  const also = draft.also.trim() ? { also: draft.also.trim().split(/[\s,]+/) } : {};
  const step = draft.step.trim() ? { step: readNumber(draft.step) } : {};
  const bounds = [readNumber(draft.low), readNumber(draft.high)];
  if (draft.kind === "json") return readJson(draft.json);
  if (draft.kind === "values") return { values: readValues(draft.values), ...also };
  if (draft.kind === "int") return { int: bounds, ...(draft.isLog ? { log: true } : step), ...also };
  return draft.kind === "uniform" ? { uniform: bounds, ...step, ...also } : { log_uniform: bounds, ...also };
}

/**
 * Read a parameter of a document into the form.
 * @param {string} pointer
 * @param {any} parameter
 * @returns {ParameterDraft}
 */
export function readParameter(pointer, parameter) {
  if (Array.isArray(parameter)) return { ...EMPTY, pointer, kind: "values", values: formatValues(parameter) };
  const also = Array.isArray(parameter?.also) ? parameter.also.join(" ") : "";
  const kind = /** @type {const} */ (["uniform", "log_uniform", "int"]).find((name) => isPair(parameter?.[name]));
  if (kind) {
    const [low, high] = parameter[kind];
    const step = parameter.step === undefined || parameter.step === null ? "" : formatNumber(parameter.step);
    return { ...EMPTY, pointer, kind, low: formatNumber(low), high: formatNumber(high), step, isLog: parameter.log === true, also };
  }
  if (Array.isArray(parameter?.values)) return { ...EMPTY, pointer, kind: "values", values: formatValues(parameter.values), also };
  return { ...EMPTY, pointer, kind: "json", json: JSON.stringify(parameter, null, 2) };
}

/** @param {unknown} value */
function isPair(value) {
  return Array.isArray(value) && value.length === 2;
}

/**
 * Read values that are separated by commas: JSON where it is JSON, and else texts.
 * @param {string} text
 * @returns {any[]}
 */
export function readValues(text) {
  try {
    const values = JSON.parse(`[${text}]`);
    return values;
  } catch {
    return text.split(",").map((part) => part.trim()).filter(Boolean).map(readScalar);
  }
}

/** @param {any[]} values */
function formatValues(values) {
  const isPlain = values.every((value) => typeof value !== "string" || (/^[^\s",[\]{}][^",[\]{}]*$/.test(value) && readScalar(value) === value));
  return values.map((value) => (isPlain && typeof value === "string" ? value : JSON.stringify(value))).join(", ");
}

/** @param {string} text */
function readScalar(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** @param {string} text @returns {number | string | null} null where nothing is written */
export function readNumber(text) {
  const number = Number(text);
  if (text.trim() === "") return null;
  return Number.isFinite(number) ? number : text;
}

/** @param {string} text */
function readJson(text) {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** @param {unknown} value */
function formatNumber(value) {
  return typeof value === "number" ? String(Number(value.toPrecision(12))) : String(value ?? "");
}
