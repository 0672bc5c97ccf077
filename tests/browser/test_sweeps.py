"""A sweep in the browser: vary a job, watch the sweep, open its best trial."""

import re

import pytest
from playwright.sync_api import expect

from tests.factories import iris_spec

pytestmark = [pytest.mark.xdist_group("server"), pytest.mark.exhaustive]

WITHIN_MS = 180_000


def test_a_job_is_varied_and_the_best_trial_opened(open_page, server, monitor):
    monitor.allow(r"422.*/v1/sweeps/check")  # the form has an error for a moment
    url = str(server.http.base_url).rstrip("/")
    page = open_page(f"{url}/jobs/{server.submit(iris_spec() | {'name': 'to vary'})}")
    page.get_by_role("link", name="Vary this").click()
    page.get_by_role("button", name="Vary /training/optimizer/learning_rate").click()

    page.get_by_label("From of /training/optimizer/learning_rate").fill("-4")
    parameters = page.get_by_role("region", name="Parameters")
    expect(parameters).to_contain_text("the bounds are values, not exponents")
    page.get_by_label("From of /training/optimizer/learning_rate").fill("0.0001")
    expect(page.get_by_role("region", name="Check of the sweep")).to_contain_text("The sweep is valid")
    page.get_by_label("Method").select_option("random")
    page.get_by_label("Trials", exact=True).fill("3")
    page.get_by_role("button", name="Start the sweep").click()

    page.wait_for_url(re.compile(r"/sweeps/[0-9a-f-]{36}$"))
    trials = page.get_by_role("region", name="Trials")
    expect(trials.get_by_text("Complete", exact=True)).to_have_count(3, timeout=WITHIN_MS)
    expect(page.locator(".job-facts")).to_contain_text("Succeeded", timeout=WITHIN_MS)
    page.get_by_role("region", name="Best trial").get_by_role("link", name="Open the job").click()
    page.wait_for_url(re.compile(r"/jobs/[0-9a-f-]{36}$"))
    page.get_by_role("link", name=re.compile("trial [0-9] of sweep")).click()
    page.wait_for_url(re.compile(r"/sweeps/[0-9a-f-]{36}\?trial=[0-9]$"))
    expect(page.get_by_text("Loading the trial")).to_have_count(0)
