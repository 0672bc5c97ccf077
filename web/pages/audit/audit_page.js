/** The audit, for admins: who did what, and what was refused. */

import { html, useEffect, useState } from "../../vendor/ui.js";
import { buildQuery, getJson } from "../../core/api.js";
import { query as addressQuery, setQuery } from "../../core/router.js";
import { EmptyState, ErrorNotice, Loading } from "../../components/feedback.js";
import { RelativeTime } from "../../components/relative_time.js";

/** @import { Page } from "../../core/types.js" */

/**
 * @typedef {object} AuditEntry
 * @property {string} id
 * @property {string} at
 * @property {string | null} user_name
 * @property {string | null} token_prefix
 * @property {string} action
 * @property {string | null} object_type
 * @property {string | null} object_id
 * @property {number} status
 * @property {string | null} code
 * @property {string | null} request_id
 * @property {string | null} client
 */

const PAGE_SIZE = 100;
const FILTERS = /** @type {const} */ (["user", "action", "object", "project"]);
/** The page of each kind of object. @type {Record<string, string>} */
const PAGES = { job: "/jobs/", sweep: "/sweeps/", dataset: "/datasets/" };

export function AuditPage() {
  const filters = Object.fromEntries([...FILTERS, "outcome"].map((name) => [name, addressQuery.value.get(name) ?? ""]));
  const [entries, setEntries] = useState(/** @type {AuditEntry[] | null} */ (null));
  const [next, setNext] = useState(/** @type {string | null} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const key = JSON.stringify(filters);
  /** @param {string | null} cursor @param {AbortSignal} [signal] */
  const load = async (cursor, signal) => {
    try {
      const page = /** @type {Page<AuditEntry>} */ (await getJson(`/v1/audit${buildQuery({ ...filters, limit: PAGE_SIZE, cursor })}`, signal));
      setEntries((before) => (cursor === null ? page.items : [...(before ?? []), ...page.items]));
      setNext(page.next);
      setError(null);
    } catch (failure) {
      if (!signal?.aborted) setError(failure);
    }
  };
  useEffect(() => {
    const controller = new AbortController();
    load(null, controller.signal);
    return () => controller.abort();
  }, [key]);

  return html`
    <div class="heading"><h1>Audit</h1><p><a class="button" href=${`/v1/audit${buildQuery({ ...filters, format: "csv" })}`} download>CSV</a></p></div>
    <${AuditFilters} filters=${filters} />
    ${error && html`<${ErrorNotice} error=${error} onRetry=${() => load(null)} />`}
    ${!entries && !error && html`<${Loading} label="Loading the audit" />`}
    ${entries?.length === 0 && html`<${EmptyState} title="No entry matches"><p>Each change and each refused request adds one.</p><//>`}
    ${entries && entries.length > 0 && html`<${AuditTable} entries=${entries} />`}
    ${next && html`<p class="load-more"><button type="button" onClick=${() => load(next)}>Load more</button></p>`}
  `;
}

/** @param {{filters: Record<string, string>}} properties */
function AuditFilters({ filters }) {
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    const fields = new FormData(/** @type {HTMLFormElement} */ (event.currentTarget));
    setQuery(Object.fromEntries([...FILTERS, "outcome"].map((name) => [name, String(fields.get(name) ?? "").trim()])));
  };
  return html`
    <form class="filters" onSubmit=${submit} aria-label="Filters">
      ${FILTERS.map((name) => html`<label key=${name}>${name} <input name=${name} value=${filters[name]} maxlength="200" /></label>`)}
      <label>outcome <select name="outcome" value=${filters["outcome"]}><option value="">all</option><option value="accepted">accepted</option><option value="refused">refused</option></select></label>
      <button>Filter</button>
    </form>
  `;
}

/** @param {{entries: AuditEntry[]}} properties */
function AuditTable({ entries }) {
  return html`
    <div class="scroll"><table class="audit">
      <thead><tr><th>Time</th><th>User</th><th>Action</th><th>Object</th><th>Outcome</th><th class="wide">Client</th></tr></thead>
      <tbody>${entries.map((entry) => html`
        <tr key=${entry.id}>
          <td class="nowrap"><${RelativeTime} time=${entry.at} /></td>
          <td title=${entry.token_prefix ? `token ${entry.token_prefix}…` : undefined}>${entry.user_name ?? html`<span class="quiet">–</span>`}</td>
          <td><code>${entry.action}</code></td>
          <td><${ObjectLink} type=${entry.object_type} id=${entry.object_id} /></td>
          <td class="nowrap"><span class=${`state ${entry.status < 400 ? "good" : "bad"}`}><i aria-hidden="true"></i><span>${entry.status}${entry.code ? ` ${entry.code}` : ""}</span></span></td>
          <td class="wide quiet" title=${entry.request_id ? `request ${entry.request_id}` : undefined}>${entry.client ?? ""}</td>
        </tr>`)}</tbody>
    </table></div>
  `;
}

/** @param {{type: string | null, id: string | null}} properties */
function ObjectLink({ type, id }) {
  if (type === null) return null;
  const page = PAGES[type];
  const label = `${type} ${id?.slice(0, 8) ?? ""}`;
  return page && id ? html`<a href=${page + id}>${label}</a>` : html`<span title=${id ?? undefined}>${label}</span>`;
}
