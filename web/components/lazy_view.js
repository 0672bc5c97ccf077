/** A view whose module loads when it is opened first. */

import { html, useEffect, useState } from "../vendor/ui.js";
import { ErrorNotice, Loading } from "./feedback.js";

/** @import { ViewLoader } from "../views.js" */

/** The components that have loaded; they show at once when they are opened again. @type {Map<ViewLoader, any>} */
const loadedComponents = new Map();

/** @param {{load: ViewLoader, parameters: Record<string, string>}} properties */
export function LazyView({ load, parameters }) {
  const [component, setComponent] = useState(() => loadedComponents.get(load));
  const [error, setError] = useState(/** @type {unknown} */ (null));
  useEffect(() => {
    let isShown = true;
    load().then(
      (loaded) => {
        loadedComponents.set(load, loaded);
        if (isShown) setComponent(() => loaded);
      },
      (/** @type {unknown} */ reason) => isShown && setError(reason),
    );
    return () => {
      isShown = false;
    };
  }, [load]);
  // Browsers remember that a module failed, so that only a reload of the page tries again.
  if (error) return html`<${ErrorNotice} error=${error} onRetry=${() => window.location.reload()} />`;
  return component ? html`<${component} ...${parameters} />` : html`<${Loading} />`;
}
