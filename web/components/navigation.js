/** The bar at the top of every page. */

import { html } from "../vendor/ui.js";
import { canEdit } from "../core/account.js";
import { AccountMenu } from "./account_menu.js";

const SECTIONS = [
  { name: "jobs", label: "Jobs", href: "/jobs" },
  { name: "sweeps", label: "Sweeps", href: "/sweeps" },
  { name: "datasets", label: "Datasets", href: "/datasets" },
  { name: "workers", label: "Workers", href: "/workers" },
];

/** @param {{current: string}} properties */
export function Navigation({ current }) {
  return html`
    <header class="navigation">
      <a class="brand" href="/jobs">stackyard</a>
      <nav aria-label="Main">
        ${SECTIONS.map(
          ({ name, label, href }) =>
            html`<a href=${href} aria-current=${name === current ? "page" : undefined}>${label}</a>`,
        )}
      </nav>
      <span class="spacer"></span>
      <a class="quiet" href="/docs">API</a>
      <${AccountMenu} />
      ${canEdit() && html`<a class="button primary" href="/new">New job</a>`}
    </header>
  `;
}
