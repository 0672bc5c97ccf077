/** The address of the page: its path, its query, and links that change it without a reload. */

import { computed, signal } from "../vendor/ui.js";

const address = signal(readAddress());

/** The path of the page, such as `/jobs`. */
export const path = computed(() => address.value.path);

/** The query of the page. Treat it as read-only; `setQuery` changes it. */
export const query = computed(() => new URLSearchParams(address.value.search));

/**
 * Go to another address of this page.
 * @param {string} url
 * @param {{replace?: boolean}} [options] `replace` adds no entry to the browser's history
 */
export function navigate(url, { replace = false } = {}) {
  if (replace) window.history.replaceState(null, "", url);
  else window.history.pushState(null, "", url);
  address.value = readAddress();
  if (!replace) window.scrollTo(0, 0);
}

/**
 * Change parameters of the query, and keep the others. An empty value or list removes the parameter.
 * @param {Record<string, string | string[] | null>} changes
 * @param {{replace?: boolean}} [options]
 */
export function setQuery(changes, options) {
  const changed = new URLSearchParams(address.value.search);
  for (const [name, value] of Object.entries(changes)) {
    changed.delete(name);
    for (const item of Array.isArray(value) ? value : [value]) if (item) changed.append(name, item);
  }
  const text = changed.toString();
  navigate(address.value.path + (text ? `?${text}` : ""), options);
}

/** Follow links to this page without a reload, and the browser's back and forward buttons. Call it once. */
export function startRouter() {
  window.addEventListener("popstate", () => (address.value = readAddress()));
  document.addEventListener("click", (event) => {
    const link = event.target instanceof Element ? event.target.closest("a") : null;
    if (link && isPageLink(link, event)) {
      event.preventDefault();
      navigate(link.pathname + link.search);
    }
  });
}

function readAddress() {
  return { path: window.location.pathname, search: window.location.search };
}

/**
 * @param {HTMLAnchorElement} link
 * @param {MouseEvent} event
 */
function isPageLink(link, event) {
  const opensElsewhere = event.ctrlKey || event.metaKey || event.shiftKey || event.altKey || event.button !== 0;
  const isOwn = link.origin === window.location.origin && !/^\/(v1|docs|assets|openapi\.json|metrics)(\/|$)/.test(link.pathname);
  return isOwn && !opensElsewhere && !link.target && !link.hasAttribute("download") && !event.defaultPrevented;
}
