/** A hook for a request that changes something: whether it runs, and how it failed. */

import { useState } from "../vendor/ui.js";

/**
 * @returns {{isBusy: boolean, error: unknown, run: (action: () => Promise<void>) => Promise<void>}}
 */
export function useAction() {
  const [isBusy, setBusy] = useState(false);
  const [error, setError] = useState(/** @type {unknown} */ (null));
  /** @param {() => Promise<void>} action */
  const run = async (action) => {
    setBusy(true);
    setError(null);
    try {
      await action();
    } catch (failure) {
      setError(failure);
    }
    setBusy(false);
  };
  return { isBusy, error, run };
}
