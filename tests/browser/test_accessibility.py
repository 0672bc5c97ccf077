"""Every page, light, dark and narrow, in the rules of axe-core: contrast, names, roles and the keyboard."""

from pathlib import Path

import pytest
from playwright.sync_api import expect

from tests.browser.screenshots import LOOKS, list_pages
from tests.factories import iris_spec

pytestmark = [pytest.mark.xdist_group("server"), pytest.mark.exhaustive]

AXE = Path(__file__).parents[2] / "web" / "vendor" / "node_modules" / "axe-core" / "axe.min.js"
SPLIT = {
    "validation": {"method": "random", "train_fraction": 0.8},
    "test": {"method": "random", "train_fraction": 0.8},
}
LIST_VIOLATIONS = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.flatMap(({ id, impact, nodes }) => nodes.map(({ target }) => `${impact} ${id} ${target}`));
}"""


@pytest.fixture(scope="module")
def axe():
    """The source of axe-core, which is locked with the libraries of the page."""
    if not AXE.exists():
        pytest.skip("axe-core is not installed: make web/vendor/node_modules")
    return AXE.read_text()


@pytest.fixture(scope="module")
def url(server):
    """A server with a job of each kind: trained and evaluated, diverged, and waiting."""
    spec = iris_spec(data=iris_spec()["data"] | {"split": SPLIT})
    exploding = {"optimizer": {"type": "SGD", "learning_rate": 1e30}}
    ended = [server.submit(iris_spec(name="exploding", training=exploding)), server.submit(spec | {"name": "trained"})]
    for job_id in ended:
        server.until_ended(job_id)
    return str(server.http.base_url).rstrip("/")


def list_violations(page, axe):
    page.evaluate(axe)
    return page.evaluate(LIST_VIOLATIONS)


@pytest.mark.parametrize("look", LOOKS)
def test_axe_finds_nothing_on_any_page(browser, url, axe, look):
    with browser.new_context(base_url=url, **LOOKS[look]) as context:
        page = context.new_page()
        pages = dict(list_pages(url, None)) | {"missing job": f"/jobs/{'0' * 32}"}
        found = {}
        for name, path in pages.items():
            page.goto(path)
            expect(page.locator("h1").first).to_be_attached()
            expect(page.locator(".loading")).to_have_count(0)
            found[name] = list_violations(page, axe)
        assert {name: violations for name, violations in found.items() if violations} == {}


def test_axe_finds_nothing_in_a_prediction_and_in_a_dialog(browser, url, axe):
    with browser.new_context(base_url=url) as context:
        page = context.new_page()
        page.goto(dict(list_pages(url, None))["job"])
        page.get_by_role("button", name="Fill in a sample row").click()
        expect(page.get_by_role("textbox", name="sepal length (cm)")).not_to_have_value("")
        page.get_by_role("button", name="Predict", exact=True).click()
        expect(page.get_by_role("region", name="Predictions")).to_be_visible(timeout=120_000)
        assert list_violations(page, axe) == []
        page.goto("/jobs")
        page.get_by_role("checkbox", name="Select trained").check()
        page.get_by_role("toolbar", name="Selected jobs").get_by_role("button", name="Delete").click()
        expect(page.get_by_role("dialog")).to_be_visible()
        assert list_violations(page, axe) == []
