/**
 * JSON documents of `/v1/tokens`, as JSDoc types.
 *
 * @typedef {object} Token
 * @property {string} id
 * @property {"personal" | "session"} kind
 * @property {string} name
 * @property {string} prefix
 * @property {"read" | "submit" | "admin"} scope
 * @property {string | null} project_id
 * @property {string} created_at
 * @property {string | null} expires_at
 * @property {string | null} revoked_at
 * @property {string | null} last_used_at
 *
 * @typedef {Token & {token: string}} NewToken
 */

export {};
