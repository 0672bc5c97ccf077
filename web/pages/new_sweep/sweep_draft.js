/** The draft of a sweep: what the form shows, and the document that the server gets. */

import { buildParameter, readNumber, readParameter } from "./parameter_draft.js";

/** @import { ParameterDraft } from "./parameter_draft.js" */

/**
 * @typedef {object} SweepDraft numbers are texts, empty where the default applies
 * @property {any} base the spec of a job
 * @property {ParameterDraft[]} parameters
 * @property {string} name
 * @property {string} method
 * @property {string} metric
 * @property {string} mode
 * @property {string} at
 * @property {string} trials
 * @property {string} epochs
 * @property {string} seconds
 * @property {string} max_concurrent
 * @property {string} repeats
 * @property {string} of_top
 * @property {boolean} isHalving
 * @property {string} eta
 * @property {string} from_epoch
 * @property {any} rest members of the document that the form has no fields for
 */

export const METHODS = [
  { name: "tpe", label: "tpe: learns from results" },
  { name: "random", label: "random" },
  { name: "sobol", label: "sobol: evenly spread" },
  { name: "grid", label: "grid: every combination" },
  { name: "external", label: "external: a program chooses" },
];

/** @param {any} base @returns {SweepDraft} */
export function createDraft(base) {
  return readDocument({ name: base.name ? `${base.name} sweep` : undefined, base, space: {}, budget: { trials: 20 } });
}

/**
 * Build the document of a draft, without what has its default.
 * @param {SweepDraft} draft
 * @returns {any}
 */
export function buildDocument(draft) {
  const { name, base, parameters, rest, method, metric, mode, at } = draft;
  const search = { ...rest.search, method };
  const objective = { ...(metric ? { metric } : {}), ...(mode === "auto" ? {} : { mode }), ...(at === "best" ? {} : { at }) };
  const repeats = leaveOutEmpty({ ...rest.repeats, count: readNumber(draft.repeats), of_top: readNumber(draft.of_top) });
  const budget = leaveOutEmpty({ trials: readNumber(draft.trials), epochs: readNumber(draft.epochs), seconds: readNumber(draft.seconds) });
  const halving = leaveOutEmpty({ eta: readNumber(draft.eta), from_epoch: readNumber(draft.from_epoch) });
  return {
    ...(name ? { name } : {}),
    ...rest.others,
    base,
    space: Object.fromEntries(parameters.map((parameter) => [parameter.pointer, buildParameter(parameter)])),
    search,
    ...(isEmpty(objective) ? {} : { objective }),
    ...(draft.isHalving ? { halving } : {}),
    ...(isEmpty(repeats) ? {} : { repeats }),
    ...(isEmpty(budget) ? {} : { budget }),
    ...leaveOutEmpty({ max_concurrent: readNumber(draft.max_concurrent) }),
  };
}

/**
 * Read a document into a draft. Short forms become long.
 * @param {any} document
 * @returns {SweepDraft}
 */
export function readDocument(document) {
  const { name, base, space, search, objective, halving, repeats, budget, max_concurrent, ...others } = document;
  const { method = "tpe", ...searchRest } = lengthen(search, "method");
  const { metric, mode, at } = lengthen(objective, "metric");
  const { count, of_top, ...repeatsRest } = lengthen(repeats, "count");
  const bounds = lengthen(budget, "trials");
  return {
    name: name ?? "",
    base,
    parameters: Object.entries(space ?? {}).map(([pointer, parameter]) => readParameter(pointer, parameter)),
    method,
    metric: metric ?? "",
    mode: mode ?? "auto",
    at: at ?? "best",
    trials: writeNumber(bounds.trials),
    epochs: writeNumber(bounds.epochs),
    seconds: writeNumber(bounds.seconds),
    max_concurrent: writeNumber(max_concurrent),
    repeats: writeNumber(count),
    of_top: writeNumber(of_top),
    isHalving: Boolean(halving),
    eta: writeNumber(halving?.eta),
    from_epoch: writeNumber(halving?.from_epoch),
    rest: { search: searchRest, repeats: repeatsRest, others },
  };
}

/** @param {any} value @param {string} key of the short form */
function lengthen(value, key) {
  if (value === undefined || value === null) return {};
  return typeof value === "object" ? value : { [key]: value };
}

/** @param {unknown} value */
function writeNumber(value) {
  return value === undefined || value === null ? "" : String(value);
}

/** @param {Record<string, any>} members */
function leaveOutEmpty(members) {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== null && value !== undefined));
}

/** @param {object} members */
function isEmpty(members) {
  return Object.keys(members).length === 0;
}
