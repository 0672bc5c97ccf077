/** Layers of a spec as short texts. */

/** Arguments that say most about a layer, in the order in which they are shown. */
const SIZES = ["units", "filters"];
const TELLING = ["kernel_size", "pool_size", "strides", "rate", "input_dim", "output_dim", "target_shape", "axis", "activation"];
const HIDDEN_VALUES = new Set(["linear", "[1]", "[1,1]", "1", "-1"]);

/** @param {Record<string, any>} layer @returns {string} such as "Dense 32, relu" */
export function describeLayer(layer) {
  const sizes = SIZES.flatMap((name) => layer[name] ?? []);
  const values = TELLING.flatMap((name) => describeArgument(layer[name]));
  return `${layer["type"]} ${[...sizes, ...values].join(", ")}`.trim();
}

/** @param {(number | null)[]} shape without the batch @returns {string} */
export function formatShape(shape) {
  return shape.map((size) => size ?? "?").join(" × ") || "scalar";
}

/**
 * Return the arguments of a layer without those that are null.
 * @param {Record<string, any>} layer
 */
export function removeDefaults(layer) {
  return Object.fromEntries(Object.entries(layer).filter(([, value]) => value !== null));
}

/** @param {any} value @returns {string[]} */
function describeArgument(value) {
  if (value === null || value === undefined || HIDDEN_VALUES.has(typeof value === "string" ? value : JSON.stringify(value))) return [];
  if (Array.isArray(value)) return [value.join("×")];
  return [typeof value === "object" ? String(value.type ?? "") : String(value)];
}
