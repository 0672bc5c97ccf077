/** Specs as text: JSON with short objects and arrays on one line. */

const MAX_LINE_LENGTH = 90;

/**
 * @param {unknown} value
 * @param {string} [indent] of the line on which the value starts
 * @returns {string}
 */
export function formatSpec(value, indent = "") {
  const line = formatOnOneLine(value);
  if (typeof value !== "object" || value === null || (indent && line.length + indent.length <= MAX_LINE_LENGTH)) return line;
  const inner = `${indent}  `;
  const isArray = Array.isArray(value);
  const items = isArray
    ? value.map((item) => inner + formatSpec(item, inner))
    : Object.entries(value).map(([key, item]) => `${inner}${JSON.stringify(key)}: ${formatSpec(item, inner)}`);
  if (items.length === 0) return line;
  return `${isArray ? "[" : "{"}\n${items.join(",\n")}\n${indent}${isArray ? "]" : "}"}`;
}

/** @param {unknown} value @returns {string} */
function formatOnOneLine(value) {
  if (Array.isArray(value)) return `[${value.map(formatOnOneLine).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  return `{${Object.entries(value).map(([key, item]) => `${JSON.stringify(key)}: ${formatOnOneLine(item)}`).join(", ")}}`;
}
