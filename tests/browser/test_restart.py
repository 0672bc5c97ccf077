"""Two tabs of one browser on a real server, which is stopped and started again while they are open."""

import signal

import httpx2
import pytest
from playwright.sync_api import expect

from tests.browser.test_jobs_list import find_row, submit
from tests.cli.conftest import data_dir as data_dir  # noqa: PLC0414  # fixtures
from tests.cli.conftest import serve as serve  # noqa: PLC0414

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.exhaustive]

WITHIN_MS = 120_000


def test_two_tabs_go_on_by_themselves_after_a_restart(serve, open_page, monitor):
    """A job that ends after the restart ends on the page, too: a worker trains it."""
    monitor.allow("ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE")
    process = serve()
    url = process.wait_for_url()
    submit(url, "before")
    first = open_page(f"{url}/jobs")
    second = open_page(f"{url}/jobs", first.context)
    for page in (first, second):
        expect(find_row(page, "before")).to_contain_text("Succeeded", timeout=WITHIN_MS)
    assert monitor.paths.count("/v1/events") == 1

    process.stop(signal.SIGTERM)
    process = serve("--port", url.rpartition(":")[2])
    assert process.wait_for_url() == url
    submit(url, "after")
    for page in (first, second):
        expect(find_row(page, "after")).to_contain_text("Succeeded", timeout=WITHIN_MS)
        expect(page.get_by_role("alert")).to_have_count(0)
    assert httpx2.get(f"{url}/v1/jobs/counts").json()["succeeded"] == 2
