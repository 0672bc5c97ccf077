"""The way of a user through the pages within seconds: the test records the epochs, as a worker would."""

import json
import re

import httpx2
import pytest
from playwright.sync_api import expect

from models import JobState
from service.db.database import SessionFactory
from service.jobs import attempts
from service.jobs.attempts import Conclusion, EpochMetrics, MetricSummary
from tests.attempt_factories import claim_job
from tests.browser.conftest import run_site

pytestmark = pytest.mark.xdist_group("browser")

TABLE = "\n".join(["a,b,level", *(f"{i},{i % 7},{'high' if i % 7 > 3 else 'low'}" for i in range(40)), ""])
DROP_FILE = """([text]) => {
  const transfer = new DataTransfer();
  transfer.items.add(new File([text], "levels.csv", { type: "text/csv" }));
  return transfer;
}"""


@pytest.fixture
def sessions(settings):
    """Sessions on the database of the site."""
    sessions = SessionFactory(settings.database_url)
    yield sessions
    sessions.dispose()


@pytest.fixture
def site(settings):
    """The address of a server; tests name it before `open_page`, so that windows close before the server stops."""
    with run_site(settings) as url:
        yield url


def upload_by_drop(page):
    zone = page.locator(".drop-zone")
    zone.dispatch_event("drop", {"dataTransfer": page.evaluate_handle(DROP_FILE, [TABLE])})
    page.get_by_role("button", name=re.compile("Upload levels.csv")).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("levels")


def submit_proposal(page, site):
    """Submit the network that the page proposes for the dataset of the address, after a fault that the page fixes."""
    page.get_by_role("button", name="Propose a network").click()
    check = page.get_by_role("region", name="Check of the spec")
    expect(check).to_contain_text("The spec is valid")
    dataset = httpx2.get(f"{site}/v1/datasets", params={"name": "levels"}).json()["items"][0]["id"]
    spec = httpx2.get(f"{site}/v1/datasets/{dataset}/proposal", params={"target": "level"}).json()["spec"]
    page.get_by_role("textbox", name="Spec of the job").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(json.dumps(spec | {"training": spec["training"] | {"optimizer": "adm"}}, indent=2))
    check.get_by_role("button", name="Apply the fix").first.click()
    expect(check).to_contain_text("The spec is valid")
    page.get_by_role("button", name="Submit", exact=True).click()
    page.wait_for_url(re.compile(r"/jobs/[0-9a-f-]{36}$"))


def record_epoch(sessions, claim, epoch):
    rows = [EpochMetrics(epoch, [1 / (epoch + 1)])]
    summaries = {"loss": MetricSummary(rows[0].values[0], rows[0].values[0], epoch)}
    with sessions.begin() as session:
        attempts.record_epochs(session, claim, ["loss"], rows, summaries)


def test_a_user_walks_from_a_file_to_a_comparison(site, sessions, open_page, monitor):
    monitor.allow("status of 422")  # Chromium reports the answer to the check of a spec with a fault
    page = open_page(f"{site}/datasets")
    upload_by_drop(page)
    page.locator("main").get_by_role("link", name="New job").click()
    submit_proposal(page, site)
    first_url = page.url

    claim = claim_job(sessions)
    facts, chart = page.locator(".job-facts"), page.get_by_label("Learning curve of loss").first
    for epoch in range(2):  # the curve grows while it is open
        record_epoch(sessions, claim, epoch)
        expect(facts).to_contain_text(f"epoch {epoch + 1}")
    expect(chart).to_be_visible()
    with sessions.begin() as session:
        attempts.conclude_attempt(session, claim, Conclusion(JobState.SUCCEEDED))
    expect(facts).to_contain_text("Succeeded")

    page.get_by_role("link", name="Edit and submit").click()
    expect(page.get_by_role("textbox", name="Spec of the job")).to_contain_text("levels")
    page.get_by_role("button", name="Submit", exact=True).click()
    page.wait_for_url(lambda url: re.search(r"/jobs/[0-9a-f-]{36}$", url) and url != first_url)
    page.get_by_role("group", name="Actions").get_by_role("button", name="Cancel").click()
    page.get_by_role("alertdialog").get_by_role("button", name="Cancel the job").click()
    expect(facts).to_contain_text("Cancelled")

    page.goto(f"{site}/compare?job={first_url.rpartition('/')[2]}&job={page.url.rpartition('/')[2]}")
    expect(page.get_by_role("heading", name="Compare 2 jobs")).to_be_visible()
    expect(page.get_by_role("region", name="Values of the jobs").get_by_role("row")).to_have_count(3)
    page.reload()
    expect(page.get_by_role("region", name="Values of the jobs").get_by_role("row")).to_have_count(3)
