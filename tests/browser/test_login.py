"""Logging in and out in a browser, where the server has a token."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import TOKEN

pytestmark = [pytest.mark.xdist_group("browser"), pytest.mark.exhaustive]

FOREIGN_ADDRESSES = [
    "https://evil.example/",
    "//evil.example/",
    "/.//evil.example/",
    "/\\evil.example",
    "javascript:alert(1)",
    "data:text/html,x",
    "http://[",
    "/login?next=/login",
]
RESOLVE_NEXT = """async (next) => {
  const { resolveNextUrl } = await import("/assets/core/session.js");
  return resolveNextUrl("?" + new URLSearchParams({ next }), location.origin);
}"""


@pytest.fixture(autouse=True)
def _allow_refusals(monitor):
    """Chromium reports each response with status 401, and these tests provoke them."""
    monitor.allow("status of 401")


def enter_token(page, token):
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Log in").click()


def test_a_browser_logs_in_and_out(open_page, private_site):
    page = open_page(f"{private_site}/login?next=/workers")
    enter_token(page, "wrong")
    expect(page.get_by_role("alert")).to_contain_text("not a valid token")
    enter_token(page, TOKEN)
    page.wait_for_url(f"{private_site}/workers")
    assert page.evaluate("document.cookie") == ""
    assert page.evaluate("fetch('/v1/jobs').then((response) => response.status)") == 200
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url(f"{private_site}/login")
    assert page.evaluate("fetch('/v1/jobs').then((response) => response.status)") == 401


def test_the_documentation_leads_through_the_login_and_back(open_page, private_site):
    page = open_page(f"{private_site}/docs")
    assert page.url == f"{private_site}/login?next=/docs"
    enter_token(page, TOKEN)
    page.wait_for_url(f"{private_site}/docs")
    expect(page).to_have_title("Stackyard - Swagger UI")


def test_the_login_leads_to_no_other_site(open_page, private_site):
    page = open_page(f"{private_site}/login")
    for address in FOREIGN_ADDRESSES:
        target = page.evaluate(RESOLVE_NEXT, address)
        assert target.startswith(f"{private_site}/"), (address, target)


def test_a_session_holds_in_another_tab_and_after_a_reload(open_page, private_site):
    page = open_page(f"{private_site}/login?next=/datasets")
    enter_token(page, TOKEN)
    page.wait_for_url(f"{private_site}/datasets")
    second = open_page(f"{private_site}/workers", page.context)
    expect(second.get_by_role("button", name="Log out")).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="Log out")).to_be_visible()


def test_a_server_without_a_token_needs_no_login(open_page, site):
    page = open_page(f"{site}/login")
    page.wait_for_url(f"{site}/jobs")
    expect(page.get_by_role("heading", name="Jobs", exact=True)).to_be_visible()
    expect(page.get_by_role("button", name="Log out")).to_have_count(0)
