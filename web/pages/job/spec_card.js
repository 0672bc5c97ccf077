/** The spec of a job, as the client sent it and with every default, to read, to copy and to edit. */

import { html, useState } from "../../vendor/ui.js";
import { ErrorNotice, Loading } from "../../components/feedback.js";
import { useRequest } from "../../components/use_request.js";
import { formatSpec } from "../../core/spec_format.js";

/** @import { JobDetails, SentSpec } from "./job_types.js" */

/** @param {{job: JobDetails}} properties */
export function SpecCard({ job }) {
  const [isOpen, setOpen] = useState(false);
  return html`
    <details class="card spec" onToggle=${(/** @type {any} */ event) => setOpen(event.currentTarget.open)}>
      <summary><h2>Spec</h2></summary>
      ${isOpen && html`<${SpecText} job=${job} />`}
    </details>
  `;
}

/** @param {{job: JobDetails}} properties */
function SpecText({ job }) {
  const request = useRequest(`/v1/jobs/${encodeURIComponent(job.id)}/spec`);
  const [isComplete, setComplete] = useState(false);
  const [copiedText, setCopiedText] = useState("");
  const loaded = /** @type {SentSpec | null} */ (request.data);
  if (request.error) return html`<${ErrorNotice} error=${request.error} onRetry=${request.reload} />`;
  if (!loaded) return html`<${Loading} label="Loading the spec" />`;
  const sent = isComplete ? null : loaded.as_sent;
  const text = formatSpec(sent ?? job.spec);
  const copy = async () => {
    await navigator.clipboard?.writeText(text);
    setCopiedText(text);
  };
  return html`
    <div class="spec-bar">
      ${loaded.as_sent ? html`<${Choice} isComplete=${isComplete} onChoose=${setComplete} />` : html`<span class="quiet">with every default and the seed</span>`}
      <button type="button" onClick=${copy}>${copiedText === text ? "Copied" : "Copy"}</button>
      <a class="button" href=${`/new?from=${job.id}${sent ? "&as=sent" : ""}`}>Edit and submit</a>
    </div>
    <pre tabindex="0">${text}</pre>
  `;
}

/** @param {{isComplete: boolean, onChoose: (isComplete: boolean) => void}} properties */
function Choice({ isComplete, onChoose }) {
  return html`
    <div class="segments" role="group" aria-label="Form of the spec">
      <button type="button" aria-pressed=${!isComplete} onClick=${() => onChoose(false)}>As sent</button>
      <button type="button" aria-pressed=${isComplete} onClick=${() => onChoose(true)}>With every default</button>
    </div>
  `;
}
