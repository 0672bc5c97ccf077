"""The addresses of the page in a browser: reloads, links, and what each loads."""

import pytest
from playwright.sync_api import expect

pytestmark = pytest.mark.xdist_group("browser")

PAGES = {
    "/": "Jobs",
    "/jobs": "Jobs",
    "/sweeps": "Sweeps",
    "/sweeps/new": "New sweep",
    "/datasets": "Datasets",
    "/workers": "Workers",
    "/new": "New job",
}


def build_title(view):
    return f"{view} \N{EN DASH} Stackyard"


@pytest.mark.parametrize(("path", "title"), PAGES.items())
def test_an_address_opens_and_reloads(open_page, site, path, title):
    page = open_page(f"{site}{path}")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.reload()
    expect(page).to_have_title(build_title(title))
    expect(page.get_by_role("heading", level=1)).to_be_visible()


def test_links_change_the_page_without_a_reload(open_page, site):
    page = open_page(f"{site}/jobs")
    page.evaluate("window.isSame = true")
    navigation = page.get_by_role("navigation", name="Main")
    navigation.get_by_role("link", name="Workers").click()
    expect(page).to_have_title(build_title("Workers"))
    navigation.get_by_role("link", name="Datasets").click()
    expect(page).to_have_title(build_title("Datasets"))
    page.go_back()
    expect(page).to_have_title(build_title("Workers"))
    assert page.evaluate("window.isSame")


def test_only_the_new_job_page_loads_the_editor(open_page, site, monitor):
    page = open_page(f"{site}/jobs")
    expect(page.get_by_role("heading", name="Jobs", exact=True)).to_be_visible()
    assert "/assets/vendor/editor.js" not in monitor.paths


def test_the_keyboard_reaches_the_content_first(open_page, site):
    page = open_page(f"{site}/workers")
    expect(page.get_by_role("heading", level=1)).to_be_visible()
    page.keyboard.press("Tab")
    expect(page.get_by_text("Skip to the content")).to_be_focused()
