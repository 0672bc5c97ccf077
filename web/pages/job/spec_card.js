/** The spec of a job, to read and to copy. */

import { html, useState } from "../../vendor/ui.js";

/** @import { JobDetails } from "./job_types.js" */

/** @param {{job: JobDetails}} properties */
export function SpecCard({ job }) {
  const [isCopied, setCopied] = useState(false);
  const text = JSON.stringify(job.spec, null, 2);
  const copy = async () => {
    await navigator.clipboard?.writeText(text);
    setCopied(true);
  };
  return html`
    <details class="card spec">
      <summary><h2>Spec, with every default</h2></summary>
      <button type="button" onClick=${copy}>${isCopied ? "Copied" : "Copy"}</button>
      <pre tabindex="0">${text}</pre>
    </details>
  `;
}
