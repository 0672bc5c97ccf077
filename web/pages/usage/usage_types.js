/**
 * JSON documents of `/v1/usage`, as JSDoc types.
 *
 * @typedef {object} UsageItem
 * @property {string | null} user
 * @property {string | null} project
 * @property {string | null} day
 * @property {number} device_seconds
 * @property {number} jobs
 * @property {number} epochs
 * @property {number} bytes
 *
 * @typedef {{from: string, to: string, items: UsageItem[]}} Usage
 *
 * @typedef {"user" | "project"} UsageGroup
 */

export {};
