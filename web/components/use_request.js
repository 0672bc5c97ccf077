/** A hook that loads a JSON document, and loads it again when its address changes. */

import { useEffect, useState } from "../vendor/ui.js";
import { getJson } from "../core/api.js";

/**
 * @template T
 * @param {string | null} path null loads nothing
 * @returns {{data: T | null, error: unknown, reload: () => void}} `data` stays while it is loaded again
 */
export function useRequest(path) {
  const [data, setData] = useState(/** @type {T | null} */ (null));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  const [attempt, setAttempt] = useState(0);
  useEffect(() => {
    if (path === null) return undefined;
    const controller = new AbortController();
    getJson(path, controller.signal).then(
      (document) => {
        setData(/** @type {T} */ (document));
        setError(null);
      },
      (failure) => controller.signal.aborted || setError(failure),
    );
    return () => controller.abort();
  }, [path, attempt]);
  const [reload] = useState(() => () => setAttempt((number) => number + 1));
  return { data, error, reload };
}
