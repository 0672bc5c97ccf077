/**
 * @typedef {object} DatasetSummary
 * @property {string} id
 * @property {string} name
 * @property {string | null} owner null on a server without users
 * @property {string} project
 * @property {number} version
 * @property {string} media_type
 * @property {number} bytes
 * @property {string} created_at
 *
 * @typedef {object} Column
 * @property {string} name
 * @property {string} type
 * @property {number} missing
 * @property {(string | number | boolean)[] | null} [categories]
 * @property {number | null} [minimum]
 * @property {number | null} [maximum]
 * @property {string | null} [stored_as]
 * @property {string[] | null} [missing_words]
 * @property {boolean} [unnamed]
 * @property {string | null} [reason]
 *
 * @typedef {object} ArrayDescription
 * @property {string} name
 * @property {string} type
 * @property {number[]} shape
 * @property {number | null} [minimum]
 * @property {number | null} [maximum]
 *
 * @typedef {object} CsvFormat
 * @property {string} delimiter
 * @property {string} decimal
 * @property {boolean} header
 * @property {string[]} missing_values
 * @property {boolean} default_missing_values
 * @property {string | null} compression
 *
 * @typedef {object} Description
 * @property {"table" | "arrays"} kind
 * @property {number} [rows]
 * @property {Column[]} [columns]
 * @property {ArrayDescription[]} [arrays]
 * @property {CsvFormat | null} [csv]
 *
 * @typedef {DatasetSummary & {description: Description}} Dataset
 *
 * @typedef {{edges: number[], counts: number[]}} HistogramData
 *
 * @typedef {object} ValueStatistics
 * @property {string} name
 * @property {number} count
 * @property {number} missing
 * @property {number | null} sampled
 * @property {number | null} distinct
 * @property {{value: boolean | number | string, count: number}[] | null} most_frequent
 * @property {HistogramData | null} histogram
 * @property {number | null} mean
 * @property {number | null} standard_deviation
 * @property {number | null} median
 * @property {string | null} earliest
 * @property {string | null} latest
 *
 * @typedef {object} Statistics
 * @property {ValueStatistics[] | null} columns
 * @property {ValueStatistics[] | null} arrays
 * @property {string | null} message why there are none
 *
 * @typedef {boolean | number | string | null} Cell
 *
 * @typedef {object} TablePreview
 * @property {"table"} kind
 * @property {string[]} columns
 * @property {Cell[][]} rows
 * @property {number} total_rows
 * @property {number} columns_left_out
 *
 * @typedef {object} ArrayPreview
 * @property {string} name
 * @property {string} type
 * @property {number[]} shape
 * @property {(boolean | number | (boolean | number)[])[] | null} items
 *
 * @typedef {{kind: "arrays", arrays: ArrayPreview[], arrays_left_out: number}} ArraysPreview
 *
 * @typedef {TablePreview | ArraysPreview} Preview
 */

export {};
