/** Predictions by the trained network: of one row from a form, or of a CSV file. */

import { html, useEffect, useState } from "../../../vendor/ui.js";
import { ErrorNotice, Loading } from "../../../components/feedback.js";
import { ApiError, getJson, sendJson } from "../../../core/api.js";
import { FilePrediction } from "./file_prediction.js";
import { buildRow, groupFaults, listFields } from "./prediction_fields.js";
import { PredictionForm } from "./prediction_form.js";
import { PredictionResult } from "./prediction_result.js";

/** @import { JobDetails } from "../job_types.js" */
/** @import { Field } from "./prediction_fields.js" */
/** @import { Predictions } from "./prediction_result.js" */

/** @param {{job: JobDetails}} properties */
export function PredictionCard({ job }) {
  const { fields, error } = useFields(job);
  return html`
    <section class="card">
      <h2>Predict</h2>
      ${error && html`<${ErrorNotice} error=${error} />`}
      ${!fields && !error && html`<${Loading} label="Loading the columns" />`}
      ${fields && fields.length > 0 && html`<${RowPrediction} job=${job} fields=${fields} />`}
      ${fields && fields.length === 0 && html`<p class="quiet">The network reads arrays. Send rows as nested lists to <code>POST /v1/jobs/${job.id}/predict</code>.</p>`}
      ${fields && fields.length > 0 && html`<${FilePrediction} job=${job} />`}
    </section>
  `;
}

/** @param {{job: JobDetails, fields: Field[]}} properties */
function RowPrediction({ job, fields }) {
  const [result, setResult] = useState(/** @type {Predictions | null} */ (null));
  const [messages, setMessages] = useState(/** @type {Record<string, string>} */ ({}));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const [isBusy, setBusy] = useState(false);
  const predict = async (/** @type {Record<string, string>} */ texts) => {
    setBusy(true);
    setError(null);
    setMessages({});
    setResult(null);
    try {
      const predictions = /** @type {Predictions} */ (await sendJson("POST", `/v1/jobs/${job.id}/predict`, { rows: [buildRow(fields, texts)] }));
      setResult(predictions);
      setMessages(groupFaults(predictions.unknown, fields.map((field) => field.name)));
    } catch (failure) {
      const faults = failure instanceof ApiError ? (failure.problem.errors ?? []) : [];
      if (faults.length > 0) setMessages(groupFaults(faults, fields.map((field) => field.name)));
      else setError(failure);
    } finally {
      setBusy(false);
    }
  };
  return html`
    <${PredictionForm} job=${job} fields=${fields} messages=${messages} isBusy=${isBusy} onPredict=${predict} />
    ${messages[""] && html`<p class="notice bad" role="alert">${messages[""]}</p>`}
    ${error && html`<${ErrorNotice} error=${error} />`}
    ${result && html`<${PredictionResult} result=${result} />`}
  `;
}

/**
 * Load the fields of a job's feature columns; none for a dataset of arrays.
 * @param {JobDetails} job
 */
function useFields(job) {
  const [fields, setFields] = useState(/** @type {Field[] | null} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  useEffect(() => {
    if (!job.dataset.id) {
      setError(new Error("The dataset was deleted, so the page does not know its columns. A program can still send rows."));
      return undefined;
    }
    const aborter = new AbortController();
    getJson(`/v1/datasets/${job.dataset.id}`, aborter.signal).then(
      (/** @type {any} */ dataset) => setFields(listFields(job.spec.data, dataset.description.columns ?? [])),
      (failure) => !aborter.signal.aborted && setError(failure),
    );
    return () => aborter.abort();
  }, [job.id]);
  return { fields, error };
}
