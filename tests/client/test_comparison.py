"""Comparing jobs, acting on many jobs, and opening pages: the client and the commands against the real API."""

import json
import webbrowser

import pytest

from models import JobState
from service.jobs.attempts import Conclusion, MetricSummary
from stackyard.client import ProblemError
from tests.client.test_client import SPEC
from tests.client.test_job_commands import invoke as invoke  # noqa: PLC0414  # fixtures
from tests.client.test_job_commands import run as run  # noqa: PLC0414
from tests.recorded_jobs import create_recorded_job

ENDED = Conclusion(JobState.SUCCEEDED, None)


@pytest.fixture
def ended(sessions):
    """Three jobs that have ended: two differ only in their seeds, and the third in its batches."""

    def create(name, losses, **training):
        summaries = {"loss": MetricSummary(last=losses[-1], best=min(losses), best_epoch=losses.index(min(losses)))}
        return create_recorded_job(
            sessions, {"loss": losses}, ENDED, summaries=summaries, name=name, training=training
        )

    jobs = [
        create("first", [3.0, 1.0, 2.0], seed=1),
        create("second", [5.0, 4.0, 4.0], seed=2),
        create("third", [9.0, 8.0, 7.0], seed=1, batch_size=8),
    ]
    return [str(job.id) for job in jobs]


def test_jobs_are_compared(ended, stackyard):
    comparison = stackyard.compare([stackyard.job(ended[0]), *ended[1:]])
    assert [job.id for job in comparison.jobs] == ended
    assert [job.metrics["loss"].best for job in comparison.jobs] == [1.0, 4.0, 7.0]
    differences = {difference.pointer: difference.values for difference in comparison.differences}
    assert differences == {"/training/batch_size": [32, 32, 8], "/training/seed": [1, 2, 1]}
    assert [history.column("loss")[-1] for history in comparison.histories] == [2.0, 4.0, 7.0]
    (repeats,) = comparison.repeats
    assert (repeats.jobs, repeats.metrics["loss"].mean) == ([0, 1], [4.0, 2.5, 3.0])
    assert comparison.jobs[1].reload().name == "second"
    with pytest.raises(ProblemError):
        stackyard.compare(ended[:1])


def test_a_comparison_is_printed(ended, run, invoke):
    values, differences, repeats = run("compare", "first", "second", "third").split("\n\n")
    header, *lines = values.splitlines()
    assert header.split() == ["id", "name", "state", "loss", "loss.best"]
    assert lines[0].split() == ["1", ended[0], "first", "succeeded", "2", "1"]
    assert [line.split() for line in differences.splitlines()] == [
        ["differs", "1", "2", "3"],
        ["/training/batch_size", "32", "32", "8"],
        ["/training/seed", "1", "2", "1"],
    ]
    assert repeats.startswith("1, 2 differ only in seeds")
    assert "loss 3 ± 1.414" in repeats
    assert json.loads(run("compare", *ended, "--json"))["metrics"] == ["loss"]
    status, _, errors = invoke("compare", "first", "nothing")
    assert status == 1
    assert "no job" in errors


def test_many_jobs_are_changed_at_once(ended, stackyard, run, invoke):
    waiting = [stackyard.submit(SPEC | {"name": f"waiting {number}"}).id for number in range(2)]
    run("tag", *waiting, "first", "--add", "night", "--remove", "nightly")
    assert {job.id: job.tags for job in stackyard.jobs(tag="night")} == {
        job_id: ["night"] for job_id in [ended[0], *waiting]
    }

    status, output, _ = invoke("cancel", *waiting, "first", "--json")
    assert status == 1
    results = json.loads(output)
    assert [result["ok"] for result in results] == [True, True, False]
    assert results[2]["problem"]["status"] == 409
    assert stackyard.job(waiting[0]).state == "cancelled"

    lines = run("retry", *waiting).splitlines()
    repeated = [stackyard.job(line.split()[-1]) for line in lines[1:]]
    assert [job.retry_of for job in repeated] == waiting
    assert invoke("delete", *waiting, stdin="n\n")[0] == 1
    run("delete", *waiting, "--yes")
    assert {job.id for job in stackyard.jobs()} == {*ended, *(job.id for job in repeated)}
    assert "--add" in invoke("tag", "first")[2]


@pytest.mark.exhaustive
def test_more_jobs_than_a_request_holds_are_changed(ended, stackyard):
    unknown = [f"{number:032x}" for number in range(250)]
    results = stackyard.act_on_jobs("tag", [*unknown, ended[0]], add_tags=["late"])
    assert [result.ok for result in results] == [False] * 250 + [True]
    assert results[-1].job.tags == ["late"]


@pytest.mark.usefixtures("ended")
def test_jobs_are_searched_sorted_and_counted(stackyard, run):
    stackyard.submit(SPEC | {"name": "waiting"})

    def list_names(*options):
        return [job["name"] for job in json.loads(run("jobs", "--json", *options))]

    assert list_names("--search", "IR", "--sort", "name") == ["first", "second", "third", "waiting"]
    assert list_names("-q", "SECO") == ["second"]
    assert list_names("--dataset", "builtin:iris", "--limit", "1") == ["waiting"]
    assert list_names("--sort", "loss", "--limit", "2") == ["first", "second"]
    assert list_names("--sort", "loss.best", "--reverse") == ["third", "second", "first", "waiting"]
    assert list_names("--sort", "finished") == ["first", "second", "third", "waiting"]
    assert [job.name for job in stackyard.jobs(sort="metrics.loss.best", order="asc")][:2] == ["first", "second"]
    assert [job.sparkline for job in stackyard.jobs(q="third", sparkline="loss")] == [[9.0, 8.0, 7.0]]
    counts = stackyard.count_jobs(dataset="builtin:iris")
    assert (counts["succeeded"], counts["queued"]) == (3, 1)


def test_a_page_is_opened_and_its_address_is_printed(stackyard, run, url, monkeypatch):
    job = stackyard.submit(SPEC)
    opened = []

    class Browser:
        name = "firefox"

        def open(self, address):
            opened.append(address)
            return True

    monkeypatch.setattr(webbrowser, "get", Browser)
    assert run("open").strip() == f"{url}/"
    assert run("open", "small").strip() == f"{url}/jobs/{job.id}"
    assert opened == [f"{url}/", f"{url}/jobs/{job.id}"]
    monkeypatch.setattr(Browser, "name", "w3m")
    assert json.loads(run("open", "--json")) == {"url": f"{url}/", "opened": False}
    assert len(opened) == 2
