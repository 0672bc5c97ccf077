/** How the sweep searches: method, objective, budget, repeats and halving. */

import { html } from "../../vendor/ui.js";
import { ChoiceField, FieldFaults, TextField } from "./field.js";
import { METHODS } from "./sweep_draft.js";

/** @import { FaultContext } from "./field.js" */
/** @import { SweepDraft } from "./sweep_draft.js" */

/** The places of the fields in the document, from which errors find their fields. */
export const SEARCH_POINTERS = [
  "/name",
  "/search",
  "/objective",
  "/budget",
  "/budget/trials",
  "/budget/epochs",
  "/budget/seconds",
  "/max_concurrent",
  "/repeats",
  "/repeats/count",
  "/repeats/of_top",
  "/halving",
  "/halving/eta",
  "/halving/from_epoch",
];

/** @param {{draft: SweepDraft, onChange: (changes: Partial<SweepDraft>) => void, context: FaultContext}} properties */
export function SearchFields({ draft, onChange, context }) {
  const isBad = (/** @type {string} */ pointer) => Boolean(context.groups.get(pointer));
  const field = (/** @type {keyof SweepDraft} */ key, /** @type {string} */ label, /** @type {string} */ pointer, placeholder = "", isNumber = true) => html`
    <${TextField} label=${label} value=${draft[key]} placeholder=${placeholder} isNumber=${isNumber} isBad=${isBad(pointer)} onChange=${(/** @type {string} */ value) => onChange({ [key]: value })} />`;
  const choice = (/** @type {keyof SweepDraft} */ key, /** @type {string} */ label, /** @type {{value: string, label: string}[]} */ choices) => html`
    <${ChoiceField} label=${label} value=${draft[key]} choices=${choices} onChange=${(/** @type {string} */ value) => onChange({ [key]: value })} />`;
  return html`
    <section class="card" aria-label="Search">
      <h2>Search</h2>
      <div class="search-fields">
        ${field("name", "Name", "/name", "", false)}
        ${choice("method", "Method", METHODS.map(({ name, label }) => ({ value: name, label })))}
        ${field("metric", "Metric of the objective", "/objective", "val_loss", false)}
        ${choice("mode", "Better is", [{ value: "auto", label: "as the metric says" }, { value: "min", label: "less" }, { value: "max", label: "more" }])}
        ${choice("at", "Value of a trial", [{ value: "best", label: "its best epoch" }, { value: "last", label: "its last epoch" }])}
      </div>
      <${FieldFaults} pointers=${["/name", "/search", "/objective"]} context=${context} />
      <h3>Budget</h3>
      <div class="search-fields">
        ${field("trials", "Trials", "/budget/trials", "no bound")}
        ${field("epochs", "Epochs of all trials", "/budget/epochs", "no bound")}
        ${field("seconds", "Seconds of training", "/budget/seconds", "no bound")}
        ${field("max_concurrent", "Trials at once", "/max_concurrent", "default")}
      </div>
      <${FieldFaults} pointers=${["/budget", "/budget/trials", "/budget/epochs", "/budget/seconds", "/max_concurrent"]} context=${context} />
      <h3>Trust</h3>
      <div class="search-fields">
        ${field("repeats", "Repeats with other seeds", "/repeats/count", "1")}
        ${field("of_top", "of only the best", "/repeats/of_top", "all trials")}
        <label class="inline"><input type="checkbox" checked=${draft.isHalving} onChange=${() => onChange({ isHalving: !draft.isHalving })} /> Halve: pause trials early, and go on with the best</label>
        ${draft.isHalving && html`${field("eta", "Keep one in", "/halving/eta", "3")} ${field("from_epoch", "First decision after epoch", "/halving/from_epoch", "1")}`}
      </div>
      <${FieldFaults} pointers=${["/repeats", "/repeats/count", "/repeats/of_top", "/halving", "/halving/eta", "/halving/from_epoch"]} context=${context} />
    </section>
  `;
}
