import { html } from "../vendor/ui.js";
import { EmptyState } from "../components/feedback.js";

export function NotFoundPage() {
  return html`<${EmptyState} title="There is no such page"><p><a href="/jobs">Show all jobs</a></p><//>`;
}
