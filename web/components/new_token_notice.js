/** A token that was just created: its text shows only now. */

import { html } from "../vendor/ui.js";
import { CopyableCommand } from "./feedback.js";

/** @param {{title: string, token: string, onClose: () => void}} properties */
export function NewTokenNotice({ title, token, onClose }) {
  return html`
    <section class="notice new-token" role="status">
      <h2>${title}</h2>
      <p>Copy the token now. The server keeps only its digest, and cannot show it again.</p>
      <${CopyableCommand} command=${token} />
      <p><button type="button" onClick=${onClose}>I have copied it</button></p>
    </section>
  `;
}
