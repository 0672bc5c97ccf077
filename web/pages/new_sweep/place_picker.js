/** Choose which values of the spec to vary. */

import { html, useMemo, useState } from "../../vendor/ui.js";
import { listPlaces, suggestPlaces } from "./pointers.js";

const MAX_SHOWN = 60;
const MAX_SUGGESTIONS = 10;

/** @param {{base: any, used: string[], onAdd: (pointer: string, value: any) => void}} properties */
export function PlacePicker({ base, used, onAdd }) {
  const [text, setText] = useState("");
  const places = useMemo(() => listPlaces(base), [base]);
  const free = places.filter(({ pointer }) => !used.includes(pointer));
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const matches = free.filter(({ pointer }) => words.every((word) => pointer.toLowerCase().includes(word)));
  const suggestions = suggestPlaces(free).slice(0, MAX_SUGGESTIONS);
  const typed = text.trim();
  const isPointer = typed.startsWith("/") && !places.some(({ pointer }) => pointer === typed) && !used.includes(typed);
  /** @param {string} pointer @param {any} value */
  const add = (pointer, value) => {
    setText("");
    onAdd(pointer, value);
  };
  return html`
    <div class="place-picker">
      ${suggestions.length > 0 && html`
        <div class="chips" role="group" aria-label="Values that are often varied">
          ${suggestions.map(({ pointer, value }) => html`
            <button type="button" key=${pointer} class="chip" title=${`Vary ${pointer}, now ${JSON.stringify(value)}`} aria-label=${`Vary ${pointer}`} onClick=${() => add(pointer, value)}>
              + ${pointer.split("/").slice(/\/\d+\//.test(pointer) ? -3 : -1).join("/")}</button>`)}
        </div>`}
      <details>
        <summary>All values of the spec</summary>
        <input type="search" aria-label="Search the values of the spec, or write a JSON pointer" placeholder="Search, or write a pointer such as /training/batch_size" value=${text}
          onInput=${(/** @type {any} */ event) => setText(event.currentTarget.value)} />
        <ul class="places">
          ${isPointer && html`<li><button type="button" onClick=${() => add(typed, null)}><code>${typed}</code> <span class="quiet">as written</span></button></li>`}
          ${matches.slice(0, MAX_SHOWN).map(({ pointer, value }) => html`
            <li key=${pointer}><button type="button" onClick=${() => add(pointer, value)}><code>${pointer}</code> <span class="quiet">${JSON.stringify(value)}</span></button></li>`)}
        </ul>
        ${matches.length > MAX_SHOWN && html`<p class="quiet">and ${matches.length - MAX_SHOWN} more; search to see them</p>`}
      </details>
    </div>
  `;
}
