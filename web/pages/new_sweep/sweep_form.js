/** The form of a sweep, with the check of the server beside it. */

import { html, useMemo, useState } from "../../vendor/ui.js";
import { CopyableCommand, ErrorNotice } from "../../components/feedback.js";
import { navigate } from "../../core/router.js";
import { submitDocument } from "../../core/submission.js";
import { groupFaults } from "./field_faults.js";
import { JsonView } from "./json_view.js";
import { suggestParameter } from "./parameter_draft.js";
import { ParameterRow, locateParameter } from "./parameter_row.js";
import { PlacePicker } from "./place_picker.js";
import { applyPatch } from "./pointers.js";
import { SEARCH_POINTERS, SearchFields } from "./search_fields.js";
import { useSweepCheck } from "./sweep_check.js";
import { buildDocument, readDocument } from "./sweep_draft.js";
import { SweepReportView } from "./sweep_report.js";

/** @import { PatchOperation } from "../../core/types.js" */
/** @import { FaultContext } from "./field.js" */
/** @import { ParameterDraft } from "./parameter_draft.js" */
/** @import { SweepDraft } from "./sweep_draft.js" */

/** @param {{initial: SweepDraft}} properties */
export function SweepForm({ initial }) {
  const [draft, setDraft] = useState(initial);
  const [isSubmitting, setSubmitting] = useState(false);
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const document = useMemo(() => buildDocument(draft), [draft]);
  const text = useMemo(() => JSON.stringify(document), [document]);
  const isEmpty = draft.parameters.length === 0;
  const check = useSweepCheck(isEmpty ? null : text);
  const change = (/** @type {Partial<SweepDraft>} */ changes) => setDraft((before) => ({ ...before, ...changes }));
  const replace = (/** @type {any} */ next) => setDraft(readDocument(next));
  /** @type {FaultContext} */
  const context = {
    groups: useMemo(() => groupFaults(check?.faults ?? [], [...SEARCH_POINTERS, ...draft.parameters.map(({ pointer }) => locateParameter(pointer))]), [check, draft.parameters]),
    onApply: (/** @type {PatchOperation[]} */ patch) => replace(applyPatch(document, patch)),
  };
  const submit = async () => {
    setSubmitting(true);
    setError(null);
    try {
      navigate(`/sweeps/${await submitDocument("/v1/sweeps", text)}`);
    } catch (failure) {
      setError(failure);
      setSubmitting(false);
    }
  };
  return html`
    <div class="new-job">
      <form onSubmit=${(/** @type {Event} */ event) => { event.preventDefault(); submit(); }}>
        <${SpaceFields} draft=${draft} onChange=${change} context=${context} />
        <${SearchFields} draft=${draft} onChange=${change} context=${context} />
        <div class="submit">
          <button type="submit" class="primary" disabled=${isSubmitting || isEmpty}>${isSubmitting ? "Starting…" : "Start the sweep"}</button>
          <span class="quiet">${describeSize(check?.report?.plan)}</span>
        </div>
        ${Boolean(error) && html`<${ErrorNotice} error=${error} />`}
        <${JsonView} document=${document} onChange=${replace} />
      </form>
      <div>
        ${isEmpty ? html`<p class="quiet">The check of the sweep shows here.</p>` : html`<${SweepReportView} check=${check} isCurrent=${check?.text === text} context=${context} />`}
        <details class="as-command"><summary>The same from a terminal</summary><${CopyableCommand} command=${buildCommand(text)} /></details>
      </div>
    </div>
  `;
}

/** @param {{draft: SweepDraft, onChange: (changes: Partial<SweepDraft>) => void, context: FaultContext}} properties */
function SpaceFields({ draft, onChange, context }) {
  const { base, parameters } = draft;
  /** @param {number} index @param {ParameterDraft} changed */
  const changeOne = (index, changed) => onChange({ parameters: parameters.map((parameter, place) => (place === index ? changed : parameter)) });
  return html`
    <section class="card" aria-label="Parameters">
      <h2>What to vary</h2>
      ${parameters.length === 0 && html`<p class="quiet">Choose values of the spec. Each trial trains the spec with other values there.</p>`}
      <ul class="parameters-list">
        ${parameters.map((parameter, index) => html`
          <${ParameterRow} key=${parameter.pointer} parameter=${parameter} base=${base} context=${context} onChange=${(/** @type {ParameterDraft} */ changed) => changeOne(index, changed)}
            onRemove=${() => onChange({ parameters: parameters.filter((_, place) => place !== index) })} />`)}
      </ul>
      <${PlacePicker} base=${base} used=${parameters.map(({ pointer }) => pointer)}
        onAdd=${(/** @type {string} */ pointer, /** @type {any} */ value) => onChange({ parameters: [...parameters, suggestParameter(pointer, value)] })} />
    </section>
  `;
}

/** @param {{trials: number | null, epochs: number | null} | undefined} plan */
function describeSize(plan) {
  if (!plan || plan.trials === null) return "";
  return `${plan.trials} trials${plan.epochs === null ? "" : `, about ${plan.epochs} epochs`}`;
}

/** @param {string} text */
function buildCommand(text) {
  return `curl ${window.location.origin}/v1/sweeps -H 'Content-Type: application/json' -d '${text.replace(/'/g, "'\\''")}'`;
}
