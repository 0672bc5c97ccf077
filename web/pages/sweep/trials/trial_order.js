/** The order of the table of trials. */

/** @import { TrialRow } from "../trial_rows.js" */

/** @typedef {{key: string, isDescending: boolean}} TrialOrder `key` is "value", "number", "state", "epochs" or a pointer */

/** @type {TrialOrder} */
export const BEST_FIRST = { key: "value", isDescending: false };

/**
 * Return the order after a click on the header of a column.
 * @param {TrialOrder} order
 * @param {string} key
 * @returns {TrialOrder}
 */
export function chooseNextOrder(order, key) {
  return order.key === key ? { key, isDescending: !order.isDescending } : { key, isDescending: false };
}

/**
 * Return rows in an order. Rows without the value come last in both directions.
 * @param {TrialRow[]} rows the best first
 * @param {TrialOrder} order
 * @returns {TrialRow[]}
 */
export function sortRows(rows, { key, isDescending }) {
  const sign = isDescending ? -1 : 1;
  const read = chooseReader(key);
  return rows
    .map((row) => ({ row, cell: read(row) }))
    .sort((a, b) => {
      if (a.cell === null || b.cell === null) return Number(a.cell === null) - Number(b.cell === null);
      return sign * compareCells(a.cell, b.cell) || a.row.rank - b.row.rank;
    })
    .map(({ row }) => row);
}

/** @param {string} key @returns {(row: TrialRow) => number | string | null} */
function chooseReader(key) {
  if (key === "value") return (row) => (row.value === null ? null : row.rank);
  if (key === "number" || key === "state" || key === "epochs") return (row) => row[key];
  return (row) => {
    const value = row.parameters[key] ?? null;
    return typeof value === "number" || value === null ? value : JSON.stringify(value);
  };
}

/** @param {number | string} a @param {number | string} b */
function compareCells(a, b) {
  return typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
}
