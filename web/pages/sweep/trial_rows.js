/** The trials of a sweep as rows, and what the page knows about their parameters. */

/** @import { Difference, Estimate, SweepResults, TrialState, TrialTable } from "../../core/sweep_types.js" */

/**
 * @typedef {object} TrialRow
 * @property {number} number
 * @property {TrialState} state
 * @property {number | null} value
 * @property {number} n repeats that have a value
 * @property {number} epochs
 * @property {number} seconds
 * @property {string | null} job the first job
 * @property {Record<string, any>} parameters by pointer; null where a parameter is not used
 * @property {Estimate | null} estimate of a complete trial
 * @property {Difference | null} difference to the best trial
 * @property {number} rank from 0; trials without a value come last
 *
 * @typedef {object} ParameterColumn
 * @property {string} pointer
 * @property {string} label the shortest end of the pointer that no other parameter has
 * @property {boolean} isLog whether the space is logarithmic there
 */

/**
 * @param {TrialTable} table
 * @param {SweepResults} results
 * @returns {TrialRow[]} the best first
 */
export function buildTrialRows(table, results) {
  const ranked = new Map(results.ranking.map((trial, index) => [trial.number, { ...trial, index }]));
  const sign = results.mode === "min" ? 1 : -1;
  const pointers = Object.keys(table.parameters);
  const rows = table.number.map((number, index) => {
    const trial = ranked.get(number);
    return /** @type {TrialRow} */ ({
      number,
      state: table.state[index],
      value: table.value[index],
      n: table.n[index],
      epochs: table.epochs[index],
      seconds: table.seconds[index],
      job: table.job[index],
      parameters: Object.fromEntries(pointers.map((pointer) => [pointer, table.parameters[pointer]?.[index] ?? null])),
      estimate: trial?.estimate ?? null,
      difference: trial?.difference ?? null,
      rank: trial?.index ?? Infinity,
    });
  });
  rows.sort((a, b) => compareRows(a, b, sign));
  rows.forEach((row, rank) => (row.rank = rank));
  return rows;
}

/** Trials with fewer epochs come after complete ones: their values do not compare. @param {TrialRow} a @param {TrialRow} b @param {number} sign */
function compareRows(a, b, sign) {
  const byRank = a.rank === b.rank ? 0 : a.rank - b.rank;
  const byState = Number(isShort(a)) - Number(isShort(b));
  return byRank || byState || compareValues(a.value, b.value, sign) || a.number - b.number;
}

/** @param {TrialRow} row */
function isShort(row) {
  return row.state !== "complete";
}

/** @param {number | null} a @param {number | null} b @param {number} sign @returns {number} nulls last */
function compareValues(a, b, sign) {
  if (a === null || b === null) return Number(a === null) - Number(b === null);
  return sign * (a - b);
}

/**
 * @param {string[]} pointers
 * @param {any} spec of the sweep
 * @returns {ParameterColumn[]}
 */
export function listParameterColumns(pointers, spec) {
  const logPointers = findLogPointers(spec.space ?? {});
  const labels = shortenPointers(pointers);
  return pointers.map((pointer, index) => ({ pointer, label: labels[index] ?? pointer, isLog: logPointers.has(pointer) }));
}

/**
 * Return the pointers whose values are drawn on a logarithmic scale, those of options included.
 * @param {Record<string, any>} space
 * @returns {Set<string>}
 */
export function findLogPointers(space) {
  const pointers = new Set();
  for (const [pointer, parameter] of Object.entries(space)) {
    if (parameter.log_uniform || parameter.log === true) pointers.add(pointer);
    for (const option of parameter.choice ?? []) for (const nested of findLogPointers(option.space ?? {})) pointers.add(nested);
  }
  return pointers;
}

/**
 * Return the end of each pointer that no other one has. Numbers of layers stay, because they say which layer it is.
 * @param {string[]} pointers
 * @returns {string[]}
 */
export function shortenPointers(pointers) {
  const paths = pointers.map((pointer) => pointer.split("/").slice(1).map((segment) => segment.replace(/~1/g, "/").replace(/~0/g, "~")));
  return paths.map((path, index) => {
    for (let length = /^\d+$/.test(path.at(-2) ?? "") ? 2 : 1; length <= path.length; length += 1) {
      const end = path.slice(-length);
      const isUnique = paths.every((other, place) => place === index || other.slice(-length).join("/") !== end.join("/"));
      if (isUnique && !/^\d+$/.test(end[0] ?? "")) return end.join(".");
      if (isUnique && length >= 2) return `${end.slice(1).join(".")} (${path.at(-length - 1) === "layers" ? "layer " : ""}${end[0]})`;
    }
    return path.join(".");
  });
}
