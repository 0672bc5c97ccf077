"""The way of a new user, in one window: from a table to a trained network, its predictions and its files."""

import json
import random
import re

import pytest
from playwright.sync_api import expect

pytestmark = [pytest.mark.xdist_group("server"), pytest.mark.exhaustive]

EPOCHS = 60
WITHIN_MS = 180_000


@pytest.fixture
def dataset(server, tmp_path):
    """A table whose last column follows from the others."""
    draw = random.Random(0).random  # noqa: S311  # the values protect nothing
    rows = [(draw(), draw()) for _ in range(400)]
    lines = [f"{a:.4f},{b:.4f},{'high' if a + b > 1 else 'low'}" for a, b in rows]
    path = tmp_path / "table.csv"
    path.write_text("\n".join(["a,b,level", *lines, ""]))
    return server.upload_dataset("levels", path)


def propose_spec(server, dataset):
    """Return the spec that the server proposes, shorter than proposed."""
    proposal = server.http.get(f"/v1/datasets/{dataset['id']}/proposal", params={"target": "level"}).raise_for_status()
    spec = proposal.json()["spec"]
    spec["training"] |= {"epochs": EPOCHS, "callbacks": []}
    return spec | {"name": "journey"}


def write_spec(page, spec):
    """Replace the text of the editor."""
    page.get_by_role("textbox", name="Spec of the job").click()
    page.keyboard.press("Control+A")
    page.keyboard.insert_text(json.dumps(spec, indent=2))


def test_a_table_becomes_a_network(open_page, server, dataset, monitor):
    monitor.allow("status of 422")  # Chromium reports the answer to the check of a spec with a fault
    url = str(server.http.base_url).rstrip("/")
    page = open_page(f"{url}/new?dataset=levels")
    form = page.get_by_role("form", name="Propose a first network")
    form.get_by_role("combobox", name="Target", exact=True).select_option("level")
    form.get_by_role("button", name="Propose a network").click()
    expect(page.get_by_text("Baseline to beat")).to_be_visible()
    check = page.get_by_role("region", name="Check of the spec")
    expect(check).to_contain_text("The spec is valid")

    spec = propose_spec(server, dataset)
    write_spec(page, spec | {"training": spec["training"] | {"optimizer": "adm"}})
    expect(check.get_by_role("list", name="Errors")).to_be_visible()
    check.get_by_role("button", name="Apply the fix").first.click()
    expect(check).to_contain_text("The spec is valid")

    page.get_by_role("button", name="Submit", exact=True).click()
    page.wait_for_url(re.compile(r"/jobs/[0-9a-f-]{36}$"))
    expect(page.locator(".job-facts")).to_contain_text(re.compile(r"epoch [1-9]"), timeout=WITHIN_MS)
    expect(page.locator(".job-facts")).to_contain_text("Succeeded", timeout=WITHIN_MS)
    expect(page.locator("canvas").first).to_be_visible()

    page.get_by_role("button", name="Fill in a sample row").click()
    expect(page.get_by_role("textbox", name="a", exact=True)).not_to_have_value("")
    page.get_by_role("button", name="Predict", exact=True).click()
    expect(page.get_by_role("table").filter(has_text="%").first).to_be_visible(timeout=WITHIN_MS)
    with page.expect_download() as download:
        page.get_by_role("link", name="Model, .keras").click()
    assert download.value.suggested_filename == f"{page.url.rpartition('/')[2]}.keras"
    assert download.value.path().read_bytes().startswith(b"PK")

    page.get_by_text("Spec", exact=True).click()
    expect(page.get_by_role("button", name="As sent")).to_have_attribute("aria-pressed", "true")
    page.get_by_role("button", name="With every default").click()
    expect(page.locator("details.spec pre")).to_contain_text("shuffle")

    page.goto(f"{url}/datasets/{dataset['id']}")
    expect(page.get_by_role("img", name="Histogram of a from")).to_be_visible()
    expect(page.get_by_role("region", name="First rows").get_by_role("row")).to_have_count(21, timeout=WITHIN_MS)


def test_a_job_is_trained_further(open_page, server, dataset):
    url = str(server.http.base_url).rstrip("/")
    spec = propose_spec(server, dataset)
    spec["training"] |= {"epochs": 5}
    job = server.http.post("/v1/jobs", json=spec | {"run": {"until_epoch": 2}}).raise_for_status().json()
    page = open_page(f"{url}/jobs/{job['id']}")
    facts = page.locator(".job-facts")
    for until_epoch, outcome in ((4, "epoch 4 of 5"), (5, "Succeeded")):
        page.get_by_role("button", name="Train further").click(timeout=WITHIN_MS)
        form = page.get_by_role("form", name="Train further")
        form.get_by_label("Train up to epoch").fill(str(until_epoch))
        form.get_by_role("button", name="Train", exact=True).click()
        expect(facts).to_contain_text(outcome, timeout=WITHIN_MS)

    page.get_by_role("button", name="Train further").click(timeout=WITHIN_MS)
    form = page.get_by_role("form", name="Train further")
    form.get_by_label("Epochs in all").fill("7")
    form.get_by_role("button", name="Train", exact=True).click()
    expect(facts).to_contain_text(f"continues {job['id'][:8]}", timeout=WITHIN_MS)
    expect(facts).to_contain_text("epoch 7 of 7", timeout=WITHIN_MS)
    expect(facts).to_contain_text("Succeeded", timeout=WITHIN_MS)
