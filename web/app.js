/** The page: navigation, and one view per address. */

import { html, render, useEffect } from "./vendor/ui.js";
import { onUnauthorized } from "./core/api.js";
import { navigate, path, startRouter } from "./core/router.js";
import { LazyView } from "./components/lazy_view.js";
import { Navigation } from "./components/navigation.js";
import { findView } from "./views.js";

function App() {
  const view = findView(path.value);
  useEffect(() => {
    document.title = view.title ? `${view.title} – Stackyard` : "Stackyard";
  }, [view.title]);
  return html`
    <a class="skip-link" href="#main">Skip to the content</a>
    <${Navigation} current=${view.section} />
    <main id="main" tabindex="-1"><${LazyView} key=${view.key} load=${view.load} parameters=${view.parameters} /></main>
  `;
}

onUnauthorized(() => {
  const { pathname, search } = window.location;
  if (pathname !== "/login") navigate(`/login?next=${encodeURIComponent(pathname + search)}`, { replace: true });
});
startRouter();
const root = document.getElementById("app");
if (root) render(html`<${App} />`, root);
