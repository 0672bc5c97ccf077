"""Take pictures of every page, light, dark and narrow: `python -m tests.browser.screenshots [URL] [--token TOKEN]`.

The pictures show the jobs and datasets of the server at the URL, so start one with real content first.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
from playwright.sync_api import Browser, Page, sync_playwright

from tests.browser.chromium import FLAGS, INSTALL_HINT, find_chromium

LOOKS: dict[str, dict[str, Any]] = {
    "light": {"viewport": {"width": 1280, "height": 860}, "color_scheme": "light"},
    "dark": {"viewport": {"width": 1280, "height": 860}, "color_scheme": "dark"},
    "narrow": {"viewport": {"width": 380, "height": 800}, "color_scheme": "light"},
}
_SETTLE_MS = 1500
"""Time for charts and streams to draw after the last request; a picture may miss what comes later."""


def list_pages(url: str, token: str | None) -> Iterator[tuple[str, str]]:
    """Yield the name and the path of each page, with the newest jobs, sweep and dataset."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    with httpx2.Client(base_url=url, headers=headers) as http:
        jobs = http.get("/v1/jobs", params={"limit": 10}).raise_for_status().json()["items"]
        datasets = http.get("/v1/datasets", params={"limit": 1}).raise_for_status().json()["items"]
        sweeps = http.get("/v1/sweeps", params={"limit": 1}).raise_for_status().json()["items"]
    yield from (("jobs", "/jobs"), ("new", "/new"), ("datasets", "/datasets"), ("workers", "/workers"))
    yield from (("sweeps", "/sweeps"), ("new-sweep", "/sweeps/new"))
    yield from (("sweep", f"/sweeps/{sweep['id']}") for sweep in sweeps)
    yield from (("vary-job", f"/sweeps/new?from={job['id']}") for job in jobs[:1])
    ended = [job["id"] for job in jobs if job["state"] == "succeeded"]
    yield from (("job", f"/jobs/{job_id}") for job_id in [*ended, *(job["id"] for job in jobs)][:1])
    if len(jobs) > 1:
        yield "compare", "/compare?" + "&".join(f"job={job['id']}" for job in jobs[:4])
    yield from (("dataset", f"/datasets/{dataset['id']}") for dataset in datasets)


def take_pictures(browser: Browser, url: str, token: str | None, directory: Path) -> None:
    """Write one picture of each page and look into the directory."""
    pages = list(list_pages(url, token))
    for look, options in LOOKS.items():
        context = browser.new_context(base_url=url, **options)
        page = context.new_page()
        _log_in(page, token)
        for name, path in pages:
            page.goto(path)
            page.wait_for_timeout(_SETTLE_MS)
            page.wait_for_function("!document.querySelector('.loading')")
            page.screenshot(path=directory / f"{name}-{look}.png", full_page=True)
        context.close()


def _log_in(page: Page, token: str | None) -> None:
    if token:
        page.goto("/login")
        page.get_by_label("Token").fill(token)
        page.get_by_role("button", name="Log in").click()
        page.wait_for_url("**/jobs")


def main() -> None:
    """Take the pictures that the command line asks for."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser.screenshots", description=__doc__)
    parser.add_argument("url", nargs="?", default="http://127.0.0.1:8000", help="address of a running server")
    parser.add_argument("--token", help="token of the server, if it has one")
    parser.add_argument("--out", type=Path, default=Path("docs/images/page"), help="directory of the pictures")
    arguments = parser.parse_args()
    path = find_chromium()
    if path is None:
        parser.exit(1, f"{INSTALL_HINT}\n")
    arguments.out.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        take_pictures(browser, arguments.url, arguments.token, arguments.out)
        browser.close()


if __name__ == "__main__":
    main()
