/** The views of the page by their addresses. Each loads its module when it is opened first. */

/**
 * @typedef {() => Promise<any>} ViewLoader loads the module of a view, and resolves to its Preact component
 *
 * @typedef {object} View
 * @property {ViewLoader} load
 * @property {Record<string, string>} parameters the component's properties, from the path
 * @property {string} section the entry of the navigation that is highlighted
 * @property {string} title of the window
 * @property {string} key another key mounts the component anew
 */

/** @type {{pattern: RegExp, load: ViewLoader, section: string, title: string}[]} */
const VIEWS = [
  {
    pattern: /^\/(jobs)?$/,
    load: async () => (await import("./pages/jobs/jobs_page.js")).JobsPage,
    section: "jobs",
    title: "Jobs",
  },
  {
    pattern: /^\/jobs\/(?<id>[^/]+)$/,
    load: async () => (await import("./pages/job/job_page.js")).JobPage,
    section: "jobs",
    title: "Job",
  },
  {
    pattern: /^\/compare$/,
    load: async () => (await import("./pages/compare/compare_page.js")).ComparePage,
    section: "jobs",
    title: "Compare",
  },
  {
    pattern: /^\/new$/,
    load: async () => (await import("./pages/new_job/new_job_page.js")).NewJobPage,
    section: "new",
    title: "New job",
  },
  {
    pattern: /^\/sweeps$/,
    load: async () => (await import("./pages/sweeps/sweeps_page.js")).SweepsPage,
    section: "sweeps",
    title: "Sweeps",
  },
  {
    pattern: /^\/sweeps\/new$/,
    load: async () => (await import("./pages/new_sweep/new_sweep_page.js")).NewSweepPage,
    section: "sweeps",
    title: "New sweep",
  },
  {
    pattern: /^\/sweeps\/(?<id>[^/]+)$/,
    load: async () => (await import("./pages/sweep/sweep_page.js")).SweepPage,
    section: "sweeps",
    title: "Sweep",
  },
  {
    pattern: /^\/datasets$/,
    load: async () => (await import("./pages/datasets/datasets_page.js")).DatasetsPage,
    section: "datasets",
    title: "Datasets",
  },
  {
    pattern: /^\/datasets\/(?<id>[^/]+)$/,
    load: async () => (await import("./pages/datasets/dataset_page.js")).DatasetPage,
    section: "datasets",
    title: "Dataset",
  },
  {
    pattern: /^\/workers$/,
    load: async () => (await import("./pages/workers/workers_page.js")).WorkersPage,
    section: "workers",
    title: "Workers",
  },
  {
    pattern: /^\/account$/,
    load: async () => (await import("./pages/account/account_page.js")).AccountPage,
    section: "account",
    title: "Account",
  },
  {
    pattern: /^\/projects$/,
    load: async () => (await import("./pages/projects/projects_page.js")).ProjectsPage,
    section: "account",
    title: "Projects",
  },
  {
    pattern: /^\/users$/,
    load: async () => (await import("./pages/users/users_page.js")).UsersPage,
    section: "account",
    title: "Users",
  },
  {
    pattern: /^\/usage$/,
    load: async () => (await import("./pages/usage/usage_page.js")).UsagePage,
    section: "account",
    title: "Usage",
  },
  {
    pattern: /^\/audit$/,
    load: async () => (await import("./pages/audit/audit_page.js")).AuditPage,
    section: "account",
    title: "Audit",
  },
  {
    pattern: /^\/login$/,
    load: async () => (await import("./pages/login/login_page.js")).LoginPage,
    section: "",
    title: "Log in",
  },
];

/** @type {ViewLoader} */
const loadNotFoundPage = async () => (await import("./pages/not_found_page.js")).NotFoundPage;

/** @param {string} path @returns {View} */
export function findView(path) {
  for (const { pattern, ...view } of VIEWS) {
    const match = pattern.exec(decodePath(path));
    if (match) return { ...view, parameters: { ...match.groups }, key: pattern.source + path };
  }
  return { load: loadNotFoundPage, parameters: {}, section: "", title: "Not found", key: path };
}

/** @param {string} path @returns {string} empty if it is malformed */
function decodePath(path) {
  try {
    return decodeURIComponent(path);
  } catch {
    return "";
  }
}
