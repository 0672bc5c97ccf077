/** The user of the page, the project that they work in, and the pages of a team's server. */

import { html, useEffect, useRef, useState } from "../vendor/ui.js";
import { account, isAdmin, isTeam, loadAccount } from "../core/account.js";
import { chooseProject } from "../core/project.js";
import { path } from "../core/router.js";
import { loadSession, logOut, session } from "../core/session.js";

const LINKS = [
  { href: "/account", label: "Account and tokens", isForAdmins: false },
  { href: "/projects", label: "Projects", isForAdmins: false },
  { href: "/usage", label: "Usage", isForAdmins: false },
  { href: "/users", label: "Users", isForAdmins: true },
  { href: "/audit", label: "Audit", isForAdmins: true },
];

export function AccountMenu() {
  useEffect(() => {
    loadSession()
      .then(({ logged_in }) => (logged_in ? loadAccount() : undefined))
      .catch(() => undefined); // without an answer, the views show the error
  }, []);
  if (!session.value?.logged_in) return null;
  return isTeam.value ? html`<${ProjectSwitch} /><${UserMenu} />` : html`<${LogoutButton} />`;
}

/** The choice of the project for new objects. One project needs no choice. */
function ProjectSwitch() {
  if (account.value === null || account.value.projects.length < 2) return null;
  const { project, projects } = account.value;
  /** @param {Event} event */
  const change = (event) => {
    chooseProject(/** @type {HTMLSelectElement} */ (event.currentTarget).value);
    loadAccount().catch(() => undefined);
  };
  return html`
    <label class="project-switch" title="New jobs, datasets and sweeps belong to this project">
      <span class="visually-hidden">Project</span>
      <select value=${project} onChange=${change}>
        ${projects.map(({ id, name }) => html`<option key=${id} value=${id}>${name}</option>`)}
      </select>
    </label>
  `;
}

/** A button that opens links; Escape, a click elsewhere and another page close it. */
function UserMenu() {
  const [isOpen, setOpen] = useState(false);
  const menu = useRef(/** @type {HTMLElement | null} */ (null));
  const button = useRef(/** @type {HTMLButtonElement | null} */ (null));
  useEffect(() => setOpen(false), [path.value]);
  useEffect(() => {
    if (!isOpen) return undefined;
    /** @param {Event} event */
    const close = (event) => {
      const isKey = event instanceof KeyboardEvent;
      if (isKey ? event.key !== "Escape" : menu.current?.contains(/** @type {Node} */ (event.target))) return;
      setOpen(false);
      if (isKey) button.current?.focus();
    };
    document.addEventListener("keydown", close);
    document.addEventListener("click", close);
    return () => {
      document.removeEventListener("keydown", close);
      document.removeEventListener("click", close);
    };
  }, [isOpen]);
  const links = LINKS.filter(({ isForAdmins }) => !isForAdmins || isAdmin.value);
  return html`
    <div class="user-menu" ref=${menu}>
      <button type="button" ref=${button} aria-expanded=${isOpen} onClick=${() => setOpen(!isOpen)}>${session.value?.user ?? "server token"} <span aria-hidden="true">▾</span></button>
      ${isOpen && html`
        <div class="menu">
          ${links.map(({ href, label }) => html`<a key=${href} href=${href} aria-current=${path.value === href ? "page" : undefined}>${label}</a>`)}
          <${LogoutButton} />
        </div>`}
    </div>
  `;
}

function LogoutButton() {
  const [hasFailed, setHasFailed] = useState(false);
  const logOutHere = () => logOut().then(() => window.location.assign("/login"), () => setHasFailed(true));
  return html`<button type="button" onClick=${logOutHere}>${hasFailed ? "Log out again" : "Log out"}</button>`;
}
