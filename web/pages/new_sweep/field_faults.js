/** Which field of the form each error belongs to. */

/** @import { Fault } from "../../core/types.js" */

/**
 * Group faults by the field whose pointer leads furthest to their place.
 * @param {Fault[]} faults
 * @param {string[]} fields pointers into the document of the sweep
 * @returns {Map<string, Fault[]>} those of no field have the key ""
 */
export function groupFaults(faults, fields) {
  const groups = new Map();
  for (const fault of faults) {
    const field = fields
      .filter((pointer) => fault.pointer === pointer || fault.pointer.startsWith(`${pointer}/`))
      .reduce((longest, pointer) => (pointer.length > longest.length ? pointer : longest), "");
    groups.set(field, [...(groups.get(field) ?? []), fault]);
  }
  return groups;
}
