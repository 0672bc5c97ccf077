/** What a view shows while it has no data: progress, an error, or an empty state with the next step. */

import { html, useState } from "../vendor/ui.js";
import { ApiError } from "../core/api.js";

/** @param {{label?: string}} properties */
export function Loading({ label = "Loading" }) {
  return html`<p class="loading" role="status">${label}…</p>`;
}

/**
 * An error with the places it points at, and a button to try again.
 * @param {{error: unknown, onRetry?: () => void}} properties
 */
export function ErrorNotice({ error, onRetry }) {
  const message = error instanceof Error ? error.message : String(error);
  const faults = error instanceof ApiError ? (error.problem.errors ?? []) : [];
  return html`
    <div class="notice bad" role="alert">
      <p>${message}</p>
      ${faults.length > 0 &&
      html`<ul>
        ${faults.map((fault) => html`<li><code>${fault.pointer || "/"}</code> ${fault.message}</li>`)}
      </ul>`}
      ${onRetry && html`<button type="button" onClick=${onRetry}>Try again</button>`}
    </div>
  `;
}

/**
 * @param {{title: string, children?: any, command?: string}} properties
 */
export function EmptyState({ title, children, command }) {
  return html`
    <section class="empty">
      <h2>${title}</h2>
      ${children}
      ${command && html`<${CopyableCommand} command=${command} />`}
    </section>
  `;
}

/** @param {{command: string}} properties */
export function CopyableCommand({ command }) {
  const [copied, setCopied] = useState(false);
  const copy = async () => {
    await navigator.clipboard?.writeText(command);
    setCopied(true);
  };
  return html`
    <div class="command">
      <pre tabindex="0"><code>${command}</code></pre>
      <button type="button" onClick=${copy}>${copied ? "Copied" : "Copy"}</button>
    </div>
  `;
}
