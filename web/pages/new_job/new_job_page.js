/** A new job: an editor with the check of the spec beside it, and ways to start. */

import { html, useEffect, useRef, useState } from "../../vendor/ui.js";
import { ErrorNotice, Loading } from "../../components/feedback.js";
import { getJson } from "../../core/api.js";
import { navigate, query } from "../../core/router.js";
import { formatSpec } from "../../core/spec_format.js";
import { submitDocument } from "../../core/submission.js";
import { CheckReportView } from "./check_report.js";
import { loadDraft, saveDraft } from "./draft.js";
import { EXAMPLES } from "./examples.js";
import { ProposalForm } from "./proposal_form.js";
import { SpecEditor } from "./spec_editor.js";
import { useSpecCheck } from "./spec_check.js";

/** @import { PatchOperation } from "../../core/types.js" */
/** @import { SpecEditor as Editor } from "./editor.js" */

export function NewJobPage() {
  const from = query.value.get("from");
  const isAsSent = query.value.get("as") === "sent";
  const [text, setText] = useState(/** @type {string | null} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const load = () => {
    setError(null);
    loadFirstText(from, isAsSent).then(setText, setError);
  };
  useEffect(load, [from, isAsSent]);
  return html`
    <h1>New job</h1>
    ${Boolean(error) && html`<${ErrorNotice} error=${error} onRetry=${load} />`}
    ${text === null && !error && html`<${Loading} />`}
    ${text !== null && html`<${JobEditor} key=${from} initialText=${text} />`}
  `;
}

/** @param {{initialText: string}} properties */
function JobEditor({ initialText }) {
  const [text, setText] = useState(initialText);
  const [isSubmitting, setIsSubmitting] = useState(false);
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const editor = useRef(/** @type {Editor | null} */ (null));
  const result = useSpecCheck(text);

  useEffect(() => markFaults(editor.current, result), [result]);
  /** @param {string} next */
  const change = (next) => {
    setText(next);
    saveDraft(next);
  };
  /** @param {unknown} spec */
  const replace = (spec) => {
    const next = formatSpec(spec);
    if (editor.current) editor.current.setText(next);
    else change(next);
  };
  const submit = async () => {
    if (isSubmitting) return;
    setIsSubmitting(true);
    setError(null);
    try {
      const id = await submitDocument("/v1/jobs", editor.current?.getText() ?? text);
      saveDraft(null);
      navigate(`/jobs/${id}`);
    } catch (failure) {
      setError(failure);
      setIsSubmitting(false);
    }
  };

  return html`
    <${Start} onReplace=${replace} />
    <div class="new-job">
      <div>
        <${SpecEditor} initialText=${initialText} onChange=${change} onSubmit=${submit}
          onReady=${(/** @type {Editor} */ ready) => { editor.current = ready; markFaults(ready, result); }} />
        <div class="submit">
          <button type="button" class="primary" onClick=${submit} disabled=${isSubmitting}>
            ${isSubmitting ? "Submitting…" : "Submit"}
          </button>
          <span class="quiet">or Ctrl+Enter (⌘+Enter). Ctrl+Space completes.</span>
        </div>
        ${Boolean(error) && html`<${ErrorNotice} error=${error} />`}
      </div>
      <${CheckReportView}
        result=${result}
        isCurrent=${result?.text === text}
        onReveal=${(/** @type {string} */ pointer) => editor.current?.reveal(pointer)}
        onApply=${(/** @type {PatchOperation[]} */ patch) => editor.current?.applyPatch(patch)}
      />
    </div>
  `;
}

/** @param {{onReplace: (spec: unknown) => void}} properties */
function Start({ onReplace }) {
  const dataset = query.value.get("dataset") ?? "";
  return html`
    <div class="start">
      <label>Start from an example
        <select onChange=${(/** @type {any} */ event) => {
          const example = EXAMPLES.find(({ name }) => name === event.target.value);
          if (example) onReplace(example.spec);
          event.target.value = "";
        }}>
          <option value="">Choose…</option>
          ${EXAMPLES.map(({ name, label }) => html`<option value=${name}>${label}</option>`)}
        </select>
      </label>
      <details open=${Boolean(dataset)}>
        <summary>Start from a dataset</summary>
        <${ProposalForm}
          dataset=${dataset}
          target=${query.value.get("target") ?? ""}
          onPropose=${(/** @type {{spec: unknown}} */ proposal) => onReplace(proposal.spec)}
        />
      </details>
    </div>
  `;
}

/** @param {Editor | null} editor @param {import("./spec_check.js").CheckResult | null} result */
function markFaults(editor, result) {
  if (!editor || !result || editor.getText() !== result.text) return;
  const faults = result.faults.map((fault) => ({ ...fault, severity: /** @type {const} */ ("error") }));
  const warnings = (result.report?.warnings ?? []).map((fault) => ({ ...fault, severity: /** @type {const} */ ("warning") }));
  editor.markFaults([...faults, ...warnings]);
}

/**
 * @param {string | null} from the id of a job
 * @param {boolean} isAsSent whether to start from the spec as it was sent, without the defaults
 * @returns {Promise<string>}
 */
async function loadFirstText(from, isAsSent) {
  if (!from) return loadDraft() ?? formatSpec(EXAMPLES[0]?.spec);
  const job = /** @type {{spec: unknown, as_sent: unknown}} */ (await getJson(`/v1/jobs/${encodeURIComponent(from)}/spec`));
  return formatSpec((isAsSent && job.as_sent) || job.spec);
}
