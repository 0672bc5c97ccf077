/** The editor as a component. Its code is loaded on this page only, because it is larger than all the rest. */

import { html, useEffect, useRef, useState } from "../../vendor/ui.js";
import { ErrorNotice, Loading } from "../../components/feedback.js";
import { getJson } from "../../core/api.js";

/** @import { SpecEditor as Editor } from "./editor.js" */
/** @import { Schema } from "./schema_lookup.js" */

/** @type {Schema | null} */
let schema = null;

/**
 * @param {{initialText: string, onReady: (editor: Editor) => void, onChange: (text: string) => void,
 *   onSubmit: () => void}} properties
 */
export function SpecEditor({ initialText, onReady, onChange, onSubmit }) {
  const host = useRef(/** @type {HTMLDivElement | null} */ (null));
  const submit = useRef(onSubmit);
  submit.current = onSubmit;
  const [state, setState] = useState(/** @type {{isLoaded: boolean, error: unknown}} */ ({ isLoaded: false, error: null }));

  useEffect(() => {
    /** @type {Editor | null} */
    let editor = null;
    let isGone = false;
    loadSchema();
    import("./editor.js").then(({ createSpecEditor }) => {
      if (isGone || !host.current) return;
      const options = { text: initialText, schema: () => schema, onChange, onSubmit: () => submit.current() };
      editor = createSpecEditor(host.current, options);
      setState({ isLoaded: true, error: null });
      onReady(editor);
    }, (error) => setState({ isLoaded: false, error }));
    return () => {
      isGone = true;
      editor?.destroy();
    };
  }, []);

  return html`
    ${!state.isLoaded && !state.error && html`<${Loading} label="Loading the editor" />`}
    ${Boolean(state.error) && html`<${ErrorNotice} error=${state.error} />`}
    <div class="spec-editor" ref=${host}></div>
  `;
}

async function loadSchema() {
  try {
    schema ??= /** @type {Schema} */ (await getJson("/v1/schemas/job"));
  } catch {
    // The editor then has no completion; the check still reports every error.
  }
}
