"""Commands for jobs and datasets: references, tables, JSON and deletion, against the real API."""

import gzip
import io
import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from models import JobState
from service.jobs.attempts import Conclusion, MetricSummary
from stackyard.cli import app
from stackyard.client import NoSingleMatchError
from tests.client.conftest import TOKEN
from tests.client.test_client import SPEC
from tests.recorded_jobs import create_recorded_job

ENDED = Conclusion(JobState.SUCCEEDED, None)
LONG_NAME = "a name that is much too long for a line of eighty columns, with more words at its end"


@pytest.fixture
def invoke(url):
    """Run a command; return its exit status, its output and its error output."""

    def run(*arguments, stdin=None):
        options = ["--url", url, "--token", TOKEN]
        result = CliRunner().invoke(app, [*arguments, *options], input=stdin, env={"COLUMNS": "80"})
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            return 1, result.stdout, str(result.exception)
        return result.exit_code, result.stdout, result.stderr

    return run


@pytest.fixture
def run(invoke):
    """Run a command that succeeds; return its output."""

    def run_command(*arguments, stdin=None):
        status, output, errors = invoke(*arguments, stdin=stdin)
        assert status == 0, errors
        return output

    return run_command


@pytest.fixture
def ended(sessions):
    """A job with three epochs that has ended."""
    metrics = {"loss": [3.0, 1.0, 2.0]}
    summaries = {"loss": MetricSummary(last=2.0, best=1.0, best_epoch=1)}
    return create_recorded_job(sessions, metrics, ENDED, summaries=summaries, name="ended")


def test_a_job_is_found_by_id_by_the_start_of_its_id_and_by_name(stackyard, run):
    job = stackyard.submit(SPEC | {"name": "only one"})
    other = stackyard.submit(SPEC | {"name": "another"})
    length = next(size for size in range(36) if job.id[:size] != other.id[:size])
    for reference in (job.id, job.id.upper(), job.id[:length], job.id.replace("-", "")[:31], "only one"):
        assert stackyard.find_job(reference).id == job.id
        assert json.loads(run("job", reference, "--json"))["id"] == job.id


def test_an_ambiguous_reference_lists_its_candidates(stackyard, invoke):
    first, second = stackyard.submit(SPEC), stackyard.submit(SPEC)
    for reference in ("small", first.id[:6]):
        with pytest.raises(NoSingleMatchError) as caught:
            stackyard.find_job(reference)
        assert len(caught.value.candidates) == 2
        status, _, errors = invoke("cancel", reference)
        assert status == 1
        assert first.id in errors
        assert second.id in errors
    assert {job.state for job in stackyard.jobs()} == {"queued"}


@pytest.mark.parametrize("reference", ["nothing", "abcdef", "", "../datasets", "%", "f" * 33])
def test_an_unknown_reference_is_an_error(stackyard, invoke, reference):
    stackyard.submit(SPEC)
    with pytest.raises(NoSingleMatchError, match="no job"):
        stackyard.find_job(reference)
    assert "no job" in invoke("job", reference)[2]
    with pytest.raises(NoSingleMatchError, match="no dataset"):
        stackyard.find_dataset(reference)


@pytest.mark.exhaustive
def test_a_name_of_a_dataset_is_its_newest_version(stackyard, tmp_path):
    paths = [tmp_path / "table.csv", tmp_path / "other.csv"]
    for row, path in enumerate(paths):
        path.write_text(f"a,b\n1,2\n3,{row}\n")
    first, second = (stackyard.upload(path, name="table") for path in paths)
    assert stackyard.find_dataset("table") == second
    assert stackyard.find_dataset(first.id) == first
    assert stackyard.find_dataset(second.id[:35]) == second


def test_the_piped_list_has_one_line_for_each_job(stackyard, run):
    for number in range(3):
        stackyard.submit(SPEC | {"name": f"{LONG_NAME} {number}"})
    header, *lines = run("jobs").splitlines()
    assert header.split() == ["id", "name", "state", "epochs", "created", "waits"]
    assert [line.split()[0] for line in lines] == [job.id for job in stackyard.jobs()]
    assert all(LONG_NAME in line and "No live worker" in line for line in lines)
    assert [job["name"] for job in json.loads(run("jobs", "--json", "--limit", "2"))] == [
        f"{LONG_NAME} 2",
        f"{LONG_NAME} 1",
    ]


@pytest.mark.usefixtures("ended")
def test_jobs_are_sorted_and_an_unknown_key_is_refused(stackyard, sessions, invoke, run):
    summaries = {"loss": MetricSummary(last=1.5, best=1.5, best_epoch=1)}
    create_recorded_job(sessions, {"loss": [7.0, 1.5]}, ENDED, summaries=summaries, name="other")
    stackyard.submit(SPEC | {"name": "waiting"})

    def list_names(*options):
        return [job["name"] for job in json.loads(run("jobs", "--json", *options))]

    assert list_names("--sort", "epochs", "--reverse") == ["ended", "other", "waiting"]
    assert list_names("--sort", "name") == ["ended", "other", "waiting"]
    assert list_names("--sort", "loss") == ["other", "ended", "waiting"]
    assert list_names("--sort", "loss", "--reverse", "--limit", "2") == ["ended", "other"]
    assert list_names("--sort", "loss.best") == ["ended", "other", "waiting"]
    lines = run("jobs", "--metrics", "loss,loss.best").splitlines()
    assert lines[0].split()[5:] == ["loss", "loss.best", "waits"]
    assert lines[2].split()[6:] == ["1.5", "1.5"]
    assert list_names("--reverse") == ["ended", "other", "waiting"]
    status, _, errors = invoke("jobs", "--sort", "nothing")
    assert status == 1
    assert "priority, epochs, loss" in errors


def test_a_job_is_deleted_after_a_confirmation(stackyard, invoke, run):
    job = stackyard.submit(SPEC)
    assert invoke("delete", "small", stdin="n\n")[0] == 1
    assert invoke("delete", "small", stdin="")[0] == 1
    assert stackyard.job(job.id).id == job.id
    assert json.loads(run("delete", "small", "--yes", "--json")) == {"deleted": job.id}
    assert list(stackyard.jobs()) == []


def test_datasets_are_listed_shown_and_deleted(stackyard, run, tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("number,word\n1.5,yes\n2.5,no\n,no\n")
    assert "table version 1, 31 B, id" in run("upload", str(path))
    dataset = stackyard.find_dataset("table")
    assert run("datasets", "list", "--name", "table").splitlines()[1].split()[:4] == [dataset.id, "table", "1", "31"]
    shown = run("datasets", "show", "table").splitlines()
    assert [line.split()[:3] for line in shown[2:]] == [["number", "float", "1"], ["word", "text", "0"]]
    assert json.loads(run("datasets", "show", "table", "--json"))["id"] == dataset.id
    run("datasets", "delete", dataset.id[:30], "--yes")
    assert list(stackyard.datasets(name="table")) == []


def test_a_spec_comes_from_standard_input(run, invoke):
    assert json.loads(run("submit", "-", "--json", stdin=json.dumps(SPEC)))["name"] == "small"
    assert "FLOP" in run("check", "-", stdin=json.dumps(SPEC))
    assert "Standard input is not JSON" in invoke("check", "-", stdin="{")[2]


def test_a_dataset_comes_from_standard_input(run, invoke):
    table = b"x,y\n" + b"".join(b"%d,%d\n" % (n, n) for n in range(9))
    parquet = io.BytesIO()
    pd.read_csv(io.BytesIO(table)).to_parquet(parquet)
    media_types = [
        json.loads(run("upload", "-", "--name", "piped", "--json", stdin=content))["media_type"]
        for content in (gzip.compress(table), parquet.getvalue())
    ]
    assert media_types == ["text/csv", "application/vnd.apache.parquet"]
    assert "with --name" in invoke("upload", "-", stdin=table)[2]


@pytest.mark.usefixtures("ended")
def test_events_count_epochs_from_1(stackyard, run):
    lines = run("events", "ended").splitlines()
    assert [line.split()[2] for line in lines if "epoch" not in line] == ["queued", "running", "succeeded"]
    epochs = stackyard.find_job("ended").progress.epochs
    rows = [line.partition("  ")[0] for line in lines if line.startswith("epoch")]
    assert rows == [f"epoch {n} of {epochs}" for n in (1, 2, 3)]
    events = [json.loads(line) for line in run("events", "ended", "--json").splitlines()]
    assert [event["data"]["epochs"] for event in events if event["event"] == "epochs"] == [[0, 1, 2]]


def test_the_first_epoch_of_a_curve_counts_from_1(ended, stackyard, run, tmp_path):
    path = tmp_path / "curve.svg"
    assert json.loads(run("curve", "ended", "-o", str(path), "--first-epoch", "2", "--json"))["path"] == str(path)
    assert path.read_bytes() == stackyard.curve(str(ended.id), from_epoch=1)
    run("curve", "ended", "-o", str(path), "--from-epoch", "1")
    assert path.read_bytes() == stackyard.curve(str(ended.id), from_epoch=1)
