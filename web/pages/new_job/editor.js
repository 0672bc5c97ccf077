/** The JSON editor of a spec: CodeMirror within a shadow root, whose style sheets the policy of the page allows. */

import * as cm from "../../vendor/editor.js";
import { describeSpec, completeSpec } from "./schema_assistance.js";
import { buildChanges } from "./json_patch.js";
import { findNearestValue, findRange, findSyntaxError } from "./json_positions.js";

/** @import { Fault, PatchOperation } from "../../core/types.js" */
/** @import { Schema } from "./schema_lookup.js" */

/**
 * @typedef {object} SpecEditor
 * @property {() => string} getText
 * @property {(text: string) => void} setText
 * @property {(faults: MarkedFault[]) => void} markFaults
 * @property {(patch: PatchOperation[]) => void} applyPatch
 * @property {(pointer: string) => void} reveal moves the cursor to the value at a JSON pointer
 * @property {() => {line: number, column: number} | null} findSyntaxError from 1
 * @property {() => void} destroy
 *
 * @typedef {Fault & {severity: "error" | "warning"}} MarkedFault
 */

const THEME = cm.EditorView.theme({
  "&": { fontSize: "13px", height: "100%", color: "var(--ink)", backgroundColor: "var(--background)" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.5" },
  ".cm-content": { caretColor: "var(--ink)" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  ".cm-gutters": { backgroundColor: "var(--surface)", color: "var(--ink-faint)", borderRight: "1px solid var(--line)" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "var(--surface)" },
  ".cm-selectionBackground, &.cm-focused .cm-selectionBackground": { backgroundColor: "var(--accent-surface) !important" },
  "&.cm-focused": { outline: "none" },
  ".cm-tooltip": { backgroundColor: "var(--surface)", color: "var(--ink)", border: "1px solid var(--line)", maxWidth: "min(480px, 90vw)" },
  ".cm-tooltip-autocomplete ul li[aria-selected]": { backgroundColor: "var(--accent)", color: "var(--accent-ink)" },
  ".cm-completionInfo": { whiteSpace: "pre-line" },
  ".cm-matchingBracket": { backgroundColor: "var(--accent-surface) !important" },
  ".cm-diagnosticAction": { backgroundColor: "var(--accent)", color: "var(--accent-ink)" },
  ".spec-hover": { padding: "6px 10px", maxHeight: "240px", overflowY: "auto" },
  ".spec-hover p": { margin: "0 0 4px", whiteSpace: "pre-line" },
});

/**
 * @param {HTMLElement} parent
 * @param {{text: string, schema: () => Schema | null, onChange: (text: string) => void, onSubmit: () => void}} options
 * @returns {SpecEditor}
 */
export function createSpecEditor(parent, { text, schema, onChange, onSubmit }) {
  const root = parent.shadowRoot ?? parent.attachShadow({ mode: "open" });
  const view = new cm.EditorView({
    root,
    parent: /** @type {any} */ (root),
    state: cm.EditorState.create({ doc: text, extensions: buildExtensions(schema, onChange, onSubmit) }),
  });
  const replaceText = (/** @type {string} */ next) =>
    view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: next } });
  const applyPatch = (/** @type {PatchOperation[]} */ patch) => {
    const changes = buildChanges(view.state, patch);
    if (changes) view.dispatch({ changes });
  };
  return {
    getText: () => view.state.doc.toString(),
    setText: replaceText,
    markFaults: (faults) => view.dispatch(cm.setDiagnostics(view.state, faults.map((fault) => buildDiagnostic(view, fault, applyPatch)))),
    applyPatch,
    reveal: (pointer) => {
      const from = findNearestValue(view.state, pointer)?.from ?? 0;
      view.dispatch({ selection: { anchor: from }, effects: cm.EditorView.scrollIntoView(from, { y: "center" }) });
      view.focus();
    },
    findSyntaxError: () => locatePosition(view.state, findSyntaxError(view.state)),
    destroy: () => view.destroy(),
  };
}

/**
 * @param {() => Schema | null} schema
 * @param {(text: string) => void} onChange
 * @param {() => void} onSubmit
 */
function buildExtensions(schema, onChange, onSubmit) {
  const submit = { key: "Mod-Enter", run: () => (onSubmit(), true), preventDefault: true };
  return [
    cm.keymap.of([submit]),
    cm.lineNumbers(),
    cm.lintGutter(),
    cm.history(),
    cm.drawSelection(),
    cm.highlightActiveLine(),
    cm.indentOnInput(),
    cm.bracketMatching(),
    cm.closeBrackets(),
    cm.json(),
    cm.syntaxHighlighting(cm.HighlightStyle.define(HIGHLIGHTS)),
    cm.autocompletion({ override: [(context) => withSchema(schema, (known) => completeSpec(known, context))] }),
    cm.hoverTooltip((view, position) => withSchema(schema, (known) => describeSpec(known, view, position))),
    cm.keymap.of([...cm.closeBracketsKeymap, ...cm.completionKeymap, ...cm.lintKeymap, ...cm.historyKeymap, ...cm.defaultKeymap]),
    cm.EditorView.updateListener.of((update) => {
      if (update.docChanged) onChange(update.state.doc.toString());
    }),
    cm.EditorView.contentAttributes.of({ "aria-label": "Spec of the job, in JSON", "aria-multiline": "true", tabindex: "0" }),
    cm.EditorView.lineWrapping,
    THEME,
  ];
}

/** @type {any[]} */
const HIGHLIGHTS = cm.defaultHighlightStyle.specs.map((/** @type {any} */ spec) => ({ ...spec, color: chooseColor(spec.color) }));

/** @param {string | undefined} color of CodeMirror's light style @returns {string | undefined} a variable with enough contrast in both */
function chooseColor(color) {
  if (!color) return undefined;
  return { "#a11": "var(--series-3)", "#164": "var(--series-2)", "#219": "var(--series-4)", "#00c": "var(--series-1)" }[color] ?? "var(--series-1)";
}

/**
 * @template T
 * @param {() => Schema | null} schema
 * @param {(schema: Schema) => T | null} use
 */
function withSchema(schema, use) {
  const known = schema();
  return known && use(known);
}

/**
 * @param {import("../../vendor/editor.js").EditorView} view
 * @param {MarkedFault} fault
 * @param {(patch: PatchOperation[]) => void} applyPatch
 */
function buildDiagnostic(view, fault, applyPatch) {
  const { patch } = fault;
  return {
    ...findRange(view.state, fault.pointer),
    severity: fault.severity,
    message: fault.fix ? `${fault.message}: ${fault.fix}` : fault.message,
    ...(patch ? { actions: [{ name: "Apply the fix", apply: () => applyPatch(patch) }] } : {}),
  };
}

/** @param {import("../../vendor/editor.js").EditorState} state @param {number | null} position */
function locatePosition(state, position) {
  if (position === null) return null;
  const line = state.doc.lineAt(position);
  return { line: line.number, column: position - line.from + 1 };
}
