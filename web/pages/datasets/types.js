/**
 * @typedef {object} DatasetSummary
 * @property {string} id
 * @property {string} name
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
 */

export {};
