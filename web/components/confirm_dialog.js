/** A dialog that asks before something changes. */

import { html, useEffect, useRef } from "../vendor/ui.js";

const DESTRUCTIVE = new Set(["Delete", "Revoke", "Remove"]);

/** @param {{title: string, label: string, isDisabled?: boolean, onConfirm: () => void, onClose: () => void, children?: any}} properties */
export function ConfirmDialog({ title, label, isDisabled = false, onConfirm, onClose, children }) {
  const dialog = useRef(/** @type {HTMLDialogElement | null} */ (null));
  useEffect(() => dialog.current?.showModal(), []);
  /** @param {Event} event */
  const submit = (event) => {
    event.preventDefault();
    onConfirm();
  };
  return html`
    <dialog ref=${dialog} aria-labelledby="dialog-title" onClose=${onClose}>
      <form onSubmit=${submit}>
        <h2 id="dialog-title">${title}</h2>
        ${children}
        <p class="buttons">
          <button type="button" onClick=${onClose}>Back</button>
          <button type="submit" class=${DESTRUCTIVE.has(label) ? "danger" : "primary"} disabled=${isDisabled}>${label}</button>
        </p>
      </form>
    </dialog>
  `;
}
