/** The form that creates a token. */

import { html } from "../../vendor/ui.js";
import { account } from "../../core/account.js";
import { sendJson } from "../../core/api.js";
import { ErrorNotice } from "../../components/feedback.js";
import { useAction } from "../../components/use_action.js";

/** @import { NewToken } from "./token_types.js" */

const SCOPES = [
  { value: "submit", label: "submit: read, and create or change jobs, datasets and sweeps" },
  { value: "read", label: "read: change nothing" },
  { value: "admin", label: "admin: everything that you may do, tokens included" },
];
const LIFETIMES = [
  { days: 30, label: "30 days" },
  { days: 365, label: "1 year" },
  { days: 0, label: "no end" },
];
const DAY_MS = 86_400_000;

/** @param {{onCreated: (token: NewToken) => void}} properties */
export function TokenForm({ onCreated }) {
  const { isBusy, error, run } = useAction();
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    run(async () => {
      onCreated(await sendJson("POST", "/v1/tokens", buildRequest(new FormData(form), Date.now())));
      form.reset();
    });
  };
  const projects = account.value?.projects ?? [];
  return html`
    <form class="inline-form" onSubmit=${submit} aria-label="New token">
      <label>Name <input name="name" required maxlength="200" placeholder="laptop" /></label>
      <label>Permits <select name="scope">${SCOPES.map(({ value, label }) => html`<option value=${value}>${label}</option>`)}</select></label>
      <label>Project <select name="project"><option value="">all</option>${projects.map(({ id, name }) => html`<option value=${id}>${name}</option>`)}</select></label>
      <label>Valid for <select name="days">${LIFETIMES.map(({ days, label }) => html`<option value=${days}>${label}</option>`)}</select></label>
      <button class="primary" disabled=${isBusy}>Create token</button>
    </form>
    ${error && html`<${ErrorNotice} error=${error} />`}
  `;
}

/**
 * @param {FormData} fields
 * @param {number} time milliseconds since 1970
 */
export function buildRequest(fields, time) {
  const days = Number(fields.get("days"));
  return {
    name: String(fields.get("name")).trim(),
    scope: String(fields.get("scope")),
    project: String(fields.get("project")) || null,
    expires_at: days > 0 ? new Date(time + days * DAY_MS).toISOString() : null,
  };
}
