/** The form that uploads a file: by drag and drop or by a file chooser, with options for the format of CSV files. */

import { html, useRef, useState } from "../../vendor/ui.js";
import { ErrorNotice } from "../../components/feedback.js";
import { formatBytes } from "../../core/format.js";
import { navigate } from "../../core/router.js";
import { FILE_SUFFIXES, inferMediaType, proposeName, uploadFile } from "./upload.js";

/** @import { UploadOptions } from "./upload.js" */

const NO_OPTIONS = { name: "", delimiter: "", decimal: "", header: /** @type {const} */ (""), missingWords: "" };

export function UploadForm() {
  const [file, setFile] = useState(/** @type {File | null} */ (null));
  const [options, setOptions] = useState(NO_OPTIONS);
  const upload = useUpload();
  /** @param {File | undefined} chosen */
  const choose = (chosen) => {
    if (!chosen) return;
    setFile(chosen);
    setOptions({ ...NO_OPTIONS, name: proposeName(chosen.name) });
    upload.clearError();
  };
  return html`
    <section class="card upload">
      <${DropZone} onChoose=${choose} />
      ${file && html`<${ChosenFile} file=${file} options=${options} onChange=${setOptions} upload=${upload} />`}
      ${upload.error && html`<${ErrorNotice} error=${upload.error} />`}
    </section>
  `;
}

/** @param {{onChoose: (file: File | undefined) => void}} properties */
function DropZone({ onChoose }) {
  const [isOver, setIsOver] = useState(false);
  /** @param {DragEvent} event */
  const drop = (event) => {
    event.preventDefault();
    setIsOver(false);
    onChoose(event.dataTransfer?.files[0]);
  };
  /** @param {DragEvent} event */
  const keepOver = (event) => {
    event.preventDefault();
    setIsOver(true);
  };
  return html`
    <label class=${`drop-zone${isOver ? " over" : ""}`} onDragOver=${keepOver} onDragLeave=${() => setIsOver(false)} onDrop=${drop}>
      <strong>Drop a CSV, Parquet or NPZ file here</strong>
      <span>or choose one</span>
      <input type="file" accept=${FILE_SUFFIXES} onChange=${(/** @type {any} */ event) => onChoose(event.currentTarget.files[0])} />
    </label>
  `;
}

/**
 * @param {{file: File, options: typeof NO_OPTIONS, onChange: (options: typeof NO_OPTIONS) => void, upload: ReturnType<typeof useUpload>}} properties
 */
function ChosenFile({ file, options, onChange, upload }) {
  const mediaType = inferMediaType(file.name);
  const isCsv = mediaType?.startsWith("text/") || mediaType === "application/gzip";
  /** @param {SubmitEvent} event */
  const submit = (event) => {
    event.preventDefault();
    upload.start(file, { ...options, missingValues: options.missingWords.split(/\s+/).filter(Boolean) });
  };
  if (!mediaType) {
    return html`<p class="notice bad" role="alert">${file.name} is no file of a known type. Choose a .csv, .tsv, .csv.gz, .parquet or .npz file.</p>`;
  }
  /** @param {keyof typeof NO_OPTIONS} name */
  const change = (name) => (/** @type {any} */ event) => onChange({ ...options, [name]: event.currentTarget.value });
  return html`
    <form class="upload-form" onSubmit=${submit}>
      <label>Name in specs <input required maxlength="200" value=${options.name} onInput=${change("name")} /></label>
      ${isCsv && html`<${CsvFields} options=${options} change=${change} />`}
      <div class="upload-actions">
        <button class="primary" type="submit" disabled=${upload.share !== null}>Upload ${file.name} (${formatBytes(file.size)})</button>
        ${upload.share !== null && html`<${Progress} share=${upload.share} onCancel=${upload.cancel} />`}
      </div>
    </form>
  `;
}

/** @param {{options: typeof NO_OPTIONS, change: (name: keyof typeof NO_OPTIONS) => (event: any) => void}} properties */
function CsvFields({ options, change }) {
  return html`
    <details>
      <summary>Format of the CSV file: detected</summary>
      <div class="fields">
        <label>Delimiter
          <select value=${options.delimiter} onChange=${change("delimiter")}>
            <option value="">Detect</option><option value=",">Comma</option><option value=";">Semicolon</option>
            <option value="tab">Tab</option><option value="|">Bar</option>
          </select>
        </label>
        <label>Decimal point
          <select value=${options.decimal} onChange=${change("decimal")}>
            <option value="">Detect</option><option value=".">Point</option><option value=",">Comma</option>
          </select>
        </label>
        <label>First line
          <select value=${options.header} onChange=${change("header")}>
            <option value="">Names of the columns</option><option value="false">A row</option>
          </select>
        </label>
        <label>Further words for missing values
          <input placeholder="? -" value=${options.missingWords} onInput=${change("missingWords")} />
        </label>
      </div>
    </details>
  `;
}

/** @param {{share: number, onCancel: () => void}} properties */
function Progress({ share, onCancel }) {
  const percentage = Math.round(share * 100);
  return html`
    <span class="progress" role="progressbar" aria-valuenow=${percentage} aria-valuemin="0" aria-valuemax="100" aria-label="Upload">
      <b style=${{ width: `${percentage}%` }}></b>
    </span>
    <span>${share < 1 ? `${percentage} %` : "The server reads the file…"}</span>
    <button type="button" onClick=${onCancel}>Cancel</button>
  `;
}

/** The state of an upload, which ends at the page of the new dataset. */
function useUpload() {
  const [share, setShare] = useState(/** @type {number | null} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const controller = useRef(/** @type {AbortController | null} */ (null));
  /**
   * @param {File} file
   * @param {UploadOptions} options
   */
  const start = async (file, options) => {
    controller.current = new AbortController();
    setError(null);
    setShare(0);
    try {
      const dataset = await uploadFile(file, options, setShare, controller.current.signal);
      navigate(`/datasets/${dataset.id}`);
    } catch (failure) {
      if (!(failure instanceof DOMException)) setError(failure);
    } finally {
      setShare(null);
    }
  };
  return { share, error, start, cancel: () => controller.current?.abort(), clearError: () => setError(null) };
}
