/** One parameter of the space: where it is, and which values it takes. */

import { html } from "../../vendor/ui.js";
import { ChoiceField, FieldFaults, TextField } from "./field.js";
import { KINDS } from "./parameter_draft.js";
import { escapeSegment, readPointer } from "./pointers.js";

/** @import { FaultContext } from "./field.js" */
/** @import { ParameterDraft, ParameterKind } from "./parameter_draft.js" */

const MAX_VALUE_LENGTH = 40;

/** @param {string} pointer @returns {string} the place of a parameter in the document of the sweep */
export function locateParameter(pointer) {
  return `/space/${escapeSegment(pointer)}`;
}

/**
 * @param {object} properties
 * @param {ParameterDraft} properties.parameter
 * @param {any} properties.base
 * @param {FaultContext} properties.context
 * @param {(parameter: ParameterDraft) => void} properties.onChange
 * @param {() => void} properties.onRemove
 */
export function ParameterRow({ parameter, base, context, onChange, onRemove }) {
  const { pointer, kind } = parameter;
  const place = locateParameter(pointer);
  const faults = context.groups.get(place) ?? [];
  const isBad = (/** @type {string} */ end) => faults.some((fault) => fault.pointer.endsWith(end));
  const set = (/** @type {Partial<ParameterDraft>} */ changes) => onChange({ ...parameter, ...changes });
  const field = (/** @type {"low" | "high" | "step" | "values" | "also"} */ key, /** @type {string} */ label, end = "", placeholder = "") => html`
    <${TextField} label=${label} value=${parameter[key]} placeholder=${placeholder} isNumber=${key !== "values" && key !== "also"} isBad=${Boolean(end) && isBad(end)}
      name=${`${label} of ${pointer}`} onChange=${(/** @type {string} */ value) => set({ [key]: value })} />`;
  return html`
    <li class=${`parameter ${faults.length > 0 ? "bad" : ""}`}>
      <div class="parameter-head">
        <code>${pointer}</code> <span class="quiet">now ${describeValue(readPointer(base, pointer))}</span>
        <button type="button" class="link" aria-label=${`Remove ${pointer}`} onClick=${onRemove}>Remove</button>
      </div>
      <div class="parameter-fields">
        <${ChoiceField} label="Kind" name=${`Kind of ${pointer}`} value=${kind} choices=${KINDS.map(({ kind: value, label }) => ({ value, label }))}
          onChange=${(/** @type {string} */ value) => set({ kind: /** @type {ParameterKind} */ (value) })} />
        ${kind === "json" && html`
          <label class="wide">Parameter as JSON <textarea rows="6" spellcheck=${false} aria-label=${`JSON of ${pointer}`} value=${parameter.json}
            onInput=${(/** @type {any} */ event) => set({ json: event.currentTarget.value })}></textarea></label>`}
        ${kind === "values" && html`<span class="wide">${field("values", "Values", "/values", "8, 16, 32")}</span>`}
        ${(kind === "uniform" || kind === "log_uniform" || kind === "int") && html`
          ${field("low", "From", `${kind}/0`)} ${field("high", "To", `${kind}/1`)}`}
        ${(kind === "uniform" || (kind === "int" && !parameter.isLog)) && field("step", "Step", "/step", kind === "int" ? "1" : "none")}
        ${kind === "int" && html`<label class="inline"><input type="checkbox" checked=${parameter.isLog} onChange=${() => set({ isLog: !parameter.isLog })} /> logarithmic</label>`}
        ${parameter.also && field("also", "Also at", "/also")}
      </div>
      <${FieldFaults} pointers=${[place]} context=${context} />
    </li>
  `;
}

/** @param {any} value */
function describeValue(value) {
  const text = value === undefined ? "the default" : JSON.stringify(value);
  return text.length > MAX_VALUE_LENGTH ? `${text.slice(0, MAX_VALUE_LENGTH - 1)}…` : text;
}
