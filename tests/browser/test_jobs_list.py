"""The list of jobs in a browser: it changes while it is open, in every tab, and after the server was restarted."""

import re

import httpx2
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import run_site
from tests.factories import iris_spec

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.exhaustive]


def submit(site, name):
    response = httpx2.post(f"{site}/v1/jobs", json=iris_spec() | {"name": name}, timeout=30)
    assert response.status_code == 201, response.text
    return response.json()["id"]


def find_row(page, name):
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))


def test_two_tabs_share_one_stream_and_show_a_new_job(open_page, site, monitor):
    submit(site, "before both")
    first = open_page(f"{site}/jobs")
    second = open_page(f"{site}/jobs", first.context)
    for page in (first, second):
        expect(find_row(page, "before both")).to_be_visible()
    submit(site, "for both")
    for page in (first, second):
        expect(find_row(page, "for both")).to_be_visible()
    assert monitor.paths.count("/v1/events") == 1


def test_a_selected_job_is_cancelled(open_page, site):
    submit(site, "to cancel")
    submit(site, "to keep")
    page = open_page(f"{site}/jobs?q=to")
    page.get_by_role("checkbox", name="Select to cancel").check()
    toolbar = page.get_by_role("toolbar", name="Selected jobs")
    expect(toolbar).to_contain_text("1 selected")
    toolbar.get_by_role("button", name="Cancel").click()
    expect(find_row(page, "to cancel")).to_contain_text("Cancelled")
    expect(find_row(page, "to keep")).to_contain_text("Queued")


def test_a_search_is_in_the_address(open_page, site):
    submit(site, "needle in the list")
    page = open_page(f"{site}/jobs")
    expect(find_row(page, "needle in the list")).to_be_visible()
    page.keyboard.press("/")
    page.keyboard.type("needle")
    expect(page).to_have_url(re.compile("[?&]q=needle"))
    expect(find_row(page, "needle in the list")).to_be_visible()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.reload()
    expect(page.locator("tbody tr")).to_have_count(1)


def test_the_page_goes_on_after_a_restart_of_the_server(open_page, make_settings, monitor):
    monitor.allow("ERR_CONNECTION_REFUSED|ERR_CONNECTION_RESET|ERR_INCOMPLETE_CHUNKED_ENCODING|ERR_EMPTY_RESPONSE")
    settings = make_settings()
    with run_site(settings) as site:
        submit(site, "before the restart")
        page = open_page(f"{site}/jobs")
        expect(find_row(page, "before the restart")).to_be_visible()
    with run_site(settings, port=int(site.rsplit(":", 1)[1])):
        submit(site, "after the restart")
        expect(find_row(page, "after the restart")).to_be_visible(timeout=60_000)
