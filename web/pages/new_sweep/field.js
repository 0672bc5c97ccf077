/** A field of the form with the errors at its place in the document. */

import { html } from "../../vendor/ui.js";

/** @import { Fault, PatchOperation } from "../../core/types.js" */

/**
 * @typedef {object} FaultContext what the fields need from the check
 * @property {Map<string, Fault[]>} groups faults by the pointers of fields
 * @property {(patch: PatchOperation[]) => void} onApply
 */

/**
 * @param {object} properties
 * @param {any} properties.label
 * @param {string} properties.value
 * @param {(value: string) => void} properties.onChange
 * @param {string} [properties.placeholder]
 * @param {string} [properties.name] for screen readers, where the label alone is ambiguous
 * @param {boolean} [properties.isNumber]
 * @param {boolean} [properties.isBad]
 */
export function TextField({ label, value, onChange, placeholder = "", name, isNumber = true, isBad = false }) {
  return html`
    <label>${label}
      <input type="text" inputmode=${isNumber ? "decimal" : "text"} value=${value} placeholder=${placeholder} aria-label=${name} aria-invalid=${isBad ? "true" : undefined}
        autocomplete="off" spellcheck=${false} onInput=${(/** @type {any} */ event) => onChange(event.currentTarget.value)} />
    </label>
  `;
}

/**
 * @param {{label: string, value: string, choices: {value: string, label: string}[], onChange: (value: string) => void, name?: string}} properties
 */
export function ChoiceField({ label, value, choices, onChange, name }) {
  return html`
    <label>${label}
      <select value=${value} aria-label=${name} onChange=${(/** @type {any} */ event) => onChange(event.currentTarget.value)}>
        ${choices.map((choice) => html`<option key=${choice.value} value=${choice.value}>${choice.label}</option>`)}
      </select>
    </label>
  `;
}

/** @param {{pointers: string[], context: FaultContext}} properties the errors of some fields */
export function FieldFaults({ pointers, context }) {
  const faults = pointers.flatMap((pointer) => context.groups.get(pointer) ?? []);
  if (faults.length === 0) return null;
  return html`<ul class="field-faults">${faults.map((fault) => html`<${FaultItem} fault=${fault} onApply=${context.onApply} />`)}</ul>`;
}

/** @param {{fault: Fault, onApply: (patch: PatchOperation[]) => void, showsPointer?: boolean}} properties */
export function FaultItem({ fault, onApply, showsPointer = false }) {
  const { patch, fix } = fault;
  return html`
    <li>
      ${showsPointer && html`<code>${fault.pointer || "/"}</code> `}${fault.message}${fix && html`<span class="fix">${showsPointer ? "" : ": "}${fix} ${patch && html`<button type="button" onClick=${() => onApply(patch)}>Apply the fix</button>`}</span>`}
    </li>
  `;
}
