"""A team's server in a browser: users, tokens, projects, and what a member sees of it."""

import httpx2
import pytest
from playwright.sync_api import expect

from tests.browser.conftest import run_site
from tests.browser.test_accessibility import AXE, list_violations
from tests.browser.test_login import enter_token
from tests.factories import iris_spec

pytestmark = pytest.mark.xdist_group("browser")

TEAM_PAGES = ("/jobs", "/account", "/projects", "/usage", "/users", "/audit")


@pytest.fixture(autouse=True)
def _allow_refusals(monitor):
    """Chromium reports each refused response, and these tests provoke them."""
    monitor.allow("status of 40[13]")


@pytest.fixture
def admin_token(team_site):
    return httpx2.post(f"{team_site}/v1/users", json={"name": "ann", "role": "admin"}).json()["token"]["token"]


@pytest.fixture
def team_site(make_settings):
    with run_site(make_settings()) as url:
        yield url


@pytest.fixture
def open_page(team_site, open_page):  # noqa: ARG001  it orders the fixtures
    """As for all tests, but its pages close before the server stops."""
    return open_page


@pytest.fixture
def admin(team_site, admin_token):
    """An HTTP client with the token of the admin."""
    with httpx2.Client(base_url=team_site, headers={"Authorization": f"Bearer {admin_token}"}) as client:
        yield client


def log_in(open_page, url, token, **options):
    page = open_page(f"{url}/login", **options)
    enter_token(page, token)
    page.wait_for_url(f"{url}/jobs")
    return page


def open_menu(page, name, link):
    page.get_by_role("banner").get_by_role("button", name=name).click()
    page.get_by_role("link", name=link, exact=True).click()


def add_user(page, name):
    """Add a user on the page, and return their first token."""
    form = page.get_by_role("form", name="New user")
    form.get_by_label("Name").fill(name)
    form.get_by_role("button", name="Add user").click()
    notice = page.get_by_role("status").filter(has_text=f"First token of {name}")
    token = notice.locator("code").inner_text()
    notice.get_by_role("button", name="I have copied it").click()
    return token


def test_an_admin_adds_a_user_who_sees_the_own_projects_only(open_page, team_site, admin, admin_token):
    admin.post("/v1/projects", json={"name": "secret"})
    assert admin.post("/v1/jobs", json=iris_spec(name="hidden"), headers={"X-Stackyard-Project": "secret"}).is_success
    assert admin.post("/v1/jobs", json=iris_spec(name="shared")).is_success
    page = log_in(open_page, team_site, admin_token)
    expect(page.get_by_role("link", name="hidden")).to_be_visible()
    open_menu(page, "ann", "Users")
    token = add_user(page, "bob")

    page = log_in(open_page, team_site, token)
    expect(page.get_by_role("link", name="shared")).to_be_visible()
    expect(page.get_by_role("link", name="hidden")).to_have_count(0)
    page.get_by_role("button", name="Mine").click()
    expect(page.get_by_role("heading", name="No job matches")).to_be_visible()
    open_menu(page, "bob", "Account and tokens")
    expect(page.get_by_role("link", name="Audit")).to_have_count(0)


def test_a_viewer_sees_no_button_that_changes_something(open_page, team_site, admin):
    job_id = admin.post("/v1/jobs", json=iris_spec(name="shared")).json()["id"]
    token = admin.post("/v1/users", json={"name": "eve"}).json()["token"]["token"]
    [project] = admin.get("/v1/projects").json()["items"]
    admin.put(f"/v1/projects/{project['id']}/members/eve", json={"role": "viewer"})
    page = log_in(open_page, team_site, token)
    expect(page.get_by_role("link", name="shared")).to_be_visible()
    expect(page.get_by_role("link", name="New job")).to_have_count(0)
    page.goto(f"{team_site}/jobs/{job_id}")
    expect(page.get_by_role("link", name="Compare")).to_be_visible()
    expect(page.get_by_role("button", name="Cancel")).to_have_count(0)


def test_a_token_works_until_it_is_revoked(open_page, team_site, admin_token):
    page = log_in(open_page, team_site, admin_token)
    open_menu(page, "ann", "Account and tokens")
    form = page.get_by_role("form", name="New token")
    form.get_by_label("Name").fill("laptop")
    form.get_by_label("Permits").select_option("read")
    form.get_by_role("button", name="Create token").click()
    notice = page.get_by_role("status").filter(has_text="laptop")
    headers = {"Authorization": f"Bearer {notice.locator('code').inner_text()}"}
    assert httpx2.get(f"{team_site}/v1/jobs", headers=headers).status_code == 200
    assert httpx2.post(f"{team_site}/v1/jobs", headers=headers, json=iris_spec()).status_code == 403
    notice.get_by_role("button", name="I have copied it").click()
    page.get_by_role("row", name="laptop").get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog").get_by_role("button", name="Revoke").click()
    expect(page.get_by_role("row", name="laptop")).to_have_count(0)
    assert httpx2.get(f"{team_site}/v1/jobs", headers=headers).status_code == 401


def test_a_browser_must_log_in_again_when_its_token_is_revoked(open_page, team_site, admin):
    user = admin.post("/v1/users", json={"name": "bob"}).json()
    page = log_in(open_page, team_site, user["token"]["token"])
    admin.delete(f"/v1/tokens/{user['token']['id']}")
    page.get_by_role("link", name="Datasets").click()
    page.wait_for_url(f"{team_site}/login?next=*")


def test_new_objects_belong_to_the_chosen_project(open_page, team_site, admin, admin_token):
    admin.post("/v1/projects", json={"name": "vision"})
    page = log_in(open_page, team_site, admin_token)
    page.get_by_role("banner").get_by_role("combobox").select_option(label="vision")
    submit = """async (spec) => {
      const { sendJson } = await import("/assets/core/api.js");
      return (await sendJson("POST", "/v1/jobs", spec)).project;
    }"""
    assert page.evaluate(submit, iris_spec()) == "vision"


@pytest.mark.exhaustive
def test_axe_finds_nothing_on_the_pages_of_a_team(open_page, team_site, admin, admin_token):
    if not AXE.exists():
        pytest.skip("axe-core is not installed: make web/vendor/node_modules")
    admin.post("/v1/projects", json={"name": "vision"})
    admin.post("/v1/jobs", json=iris_spec(name="shared"))
    for scheme in ("light", "dark"):
        page = log_in(open_page, team_site, admin_token, color_scheme=scheme)
        for path in TEAM_PAGES:
            page.goto(team_site + path)
            expect(page.locator(".loading")).to_have_count(0)
            assert list_violations(page, AXE.read_text()) == []
