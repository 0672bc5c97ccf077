"""The page in Chromium: the bytes of each page, the time to its first view, and the time to draw large charts.

It needs the packages of the development environment, and the system's Chromium.
"""

import statistics
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from options import Options
from outcome import Outcome, Target
from pairs import round_significant
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

from migrations.upgrade import upgrade_database
from models import JobState
from service.datasets.catalog import ensure_builtins
from service.db.database import SessionFactory
from service.jobs.attempts import Conclusion, MetricSummary
from service.settings import Settings
from tests.browser.chromium import FLAGS, INSTALL_HINT, find_chromium
from tests.browser.conftest import run_site
from tests.recorded_jobs import create_recorded_job

REPEATS, SHORT_REPEATS = 7, 2
KILOBYTE = 1000
MAX_KILOBYTES, MAX_FIRST_VIEW_MS, MAX_DRAW_MS = 150, 1000, 200
CHARTS = {"10,000 epochs x 4 metrics": (4, 10_000), "50 jobs x 1,000 epochs": (50, 1000)}

COUNT_BYTES = """() => [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")]
  .filter(({ name }) => !new URL(name).pathname.startsWith("/v1/"))
  .reduce((sum, { transferSize }) => sum + transferSize, 0)"""
READ_CLOCK = "() => performance.now()"
DRAW_CHART = """async ([lines, epochs]) => {
  const { html, render } = await import("/assets/vendor/ui.js");
  const { CurveChart } = await import("/assets/components/curve_chart.js");
  const host = document.createElement("div");
  document.querySelector("main").replaceChildren(host);
  const numbers = Array.from({ length: epochs }, (_, epoch) => epoch);
  const series = Array.from({ length: lines }, (_, line) => ({
    name: `line ${line}`, color: `--series-${1 + line % 8}`, dash: [],
    epochs: numbers, values: numbers.map((epoch) => 1 / (1 + epoch / 100) + line / 50 + Math.random() / 20),
  }));
  const nextFrame = () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)));
  await nextFrame();
  const start = performance.now();
  render(html`<${CurveChart} series=${series} height=${360} />`, host);
  while (!host.querySelector("canvas")) await nextFrame();
  await nextFrame();
  return performance.now() - start;
}"""


def measure(options: Options) -> Outcome:
    """Measure a server with a few jobs in the API's process."""
    repeats = options.choose_repetitions(REPEATS, SHORT_REPEATS)
    with _open_browser() as browser, _open_site() as (url, pages):
        views = {name: [_measure_view(browser, url + path) for _ in range(repeats)] for name, path in pages.items()}
        charts = {name: _measure_chart(browser, url, size, repeats) for name, size in CHARTS.items()}
    weights = {name: values[0][0] for name, values in views.items()}
    first_views = {name: statistics.median(time for _, time in values) for name, values in views.items()}
    draws = {name: statistics.median(time for time, _ in values) for name, values in charts.items()}
    computing = {name: statistics.median(time for _, time in values) for name, values in charts.items()}
    return Outcome(
        "The page in Chromium",
        ("", "kB", "ms", "computing, ms"),
        [
            *((name, f"{weights[name]:.0f}", f"{first_views[name]:.0f}", "") for name in pages),
            *((f"draw {name}", "", f"{time:.0f}", f"{computing[name]:.0f}") for name, time in draws.items()),
        ],
        {
            "kilobytes": {name: round_significant(value) for name, value in weights.items()},
            "first_view_ms": {name: round_significant(value) for name, value in first_views.items()},
            "draw_ms": {name: round_significant(value) for name, value in draws.items()},
            "draw_computing_ms": {name: round_significant(value) for name, value in computing.items()},
        },
        [
            Target("weight of the jobs page", weights["jobs"], MAX_KILOBYTES, "kB", at_most=True),
            Target("slowest first view", max(first_views.values()), MAX_FIRST_VIEW_MS, "ms", at_most=True),
            *(Target(f"draw {name}", time, MAX_DRAW_MS, "ms", at_most=True) for name, time in draws.items()),
        ],
        (
            "The weight has compressed files without answers of the API. The first view ends with the heading.",
            "A chart is drawn when the frame after its lines is on the screen.",
            "On a busy machine, compare the time that the page computes, which other processes do not lengthen.",
        ),
    )


@contextmanager
def _open_browser() -> Iterator[Browser]:
    path = find_chromium()
    if path is None:
        raise SystemExit(INSTALL_HINT)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@contextmanager
def _open_site() -> Iterator[tuple[str, dict[str, str]]]:
    """Yield the address of a server, and the path of each page by its name."""
    with tempfile.TemporaryDirectory() as directory:
        settings = Settings(data_dir=Path(directory), broker_url="redis://127.0.0.1:1")
        upgrade_database(settings)
        jobs = _record_jobs(settings.database_url or f"sqlite:///{directory}/stackyard.db")
        paths = {name: f"/{name}" for name in ("jobs", "new", "datasets", "workers")}
        paths |= {"job": f"/jobs/{jobs[0]}", "compare": "/compare?" + "&".join(f"job={job}" for job in jobs)}
        with run_site(settings) as url:
            yield url, paths


def _record_jobs(url: str) -> list[str]:
    sessions = SessionFactory(url)
    with sessions.begin() as session:
        ensure_builtins(session)
    losses = [1 / (1 + epoch) for epoch in range(200)]
    summaries = {"loss": MetricSummary(losses[-1], losses[-1], len(losses) - 1)}
    ended = Conclusion(JobState.SUCCEEDED)
    jobs = [create_recorded_job(sessions, {"loss": losses}, ended, summaries=summaries) for _ in range(3)]
    sessions.dispose()
    return [str(job.id) for job in jobs]


def _measure_view(browser: Browser, url: str) -> tuple[float, float]:
    """Return the kilobytes of a page in an empty cache, and the milliseconds until its heading."""
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(url, wait_until="commit")
        page.wait_for_selector("h1")
        elapsed = page.evaluate(READ_CLOCK)
        page.wait_for_timeout(500)  # modules that load after the heading count, too
        return page.evaluate(COUNT_BYTES) / KILOBYTE, elapsed


def _measure_chart(browser: Browser, url: str, size: tuple[int, int], repeats: int) -> list[tuple[float, float]]:
    """Return the milliseconds until the chart is drawn, and those that the page computed, for each repetition."""
    with browser.new_context(viewport={"width": 1280, "height": 860}) as context:
        page: Page = context.new_page()
        page.goto(f"{url}/workers")
        page.wait_for_selector("h1")
        arguments: Any = list(size)
        session = context.new_cdp_session(page)
        session.send("Performance.enable", {"timeDomain": "threadTicks"})
        draws = [_draw_chart(page, session, arguments) for _ in range(repeats + 1)]
        return draws[1:]  # the first one loads modules


def _draw_chart(page: Page, session: CDPSession, arguments: list[int]) -> tuple[float, float]:
    """Return the milliseconds until the chart is drawn, and those that the page computed."""
    before = _read_computing_ms(session)
    elapsed = page.evaluate(DRAW_CHART, arguments)
    return elapsed, _read_computing_ms(session) - before


def _read_computing_ms(session: CDPSession) -> float:
    metrics = session.send("Performance.getMetrics")["metrics"]
    return 1000 * next(metric["value"] for metric in metrics if metric["name"] == "TaskDuration")
