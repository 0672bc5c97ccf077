"""How jobs and clients show themselves in a notebook, and the progress of `wait`."""

import copy
import io
import pickle
import sys
import threading
from types import SimpleNamespace
from xml.etree import ElementTree as ET

import pandas as pd
import pytest

from models import JobState
from service.jobs import attempts
from service.jobs.attempts import Conclusion, EpochMetrics, MetricSummary
from stackyard.client import Client, History, Job
from tests.attempt_factories import claim_job
from tests.client.conftest import TOKEN
from tests.client.test_client import SPEC
from tests.recorded_jobs import create_recorded_job

NAN, INFINITY = float("nan"), float("inf")
LOSSES = [3.0, NAN, INFINITY, 1.0]
EVIL = "<script>alert('x')</script>"


@pytest.fixture
def job(sessions, stackyard) -> Job:
    """A job that has ended, with a hostile name and losses that are not finite."""
    summaries = {"loss": MetricSummary(last=1.0, best=1.0, best_epoch=3)}
    conclusion = Conclusion(JobState.SUCCEEDED, None)
    row = create_recorded_job(sessions, {"loss": LOSSES}, conclusion, summaries=summaries, name=EVIL)
    return stackyard.job(str(row.id))


def parse_html(text):
    """Parse HTML, which is well-formed XML, too; nothing in it may load or run anything."""
    assert "<script" not in text
    root = ET.fromstring(text)  # noqa: S314  # our own text
    assert not [node for node in root.iter() if {"src", "onclick", "onload"} & set(node.attrib)]
    return root


def test_a_job_shows_its_state_its_values_and_its_curve(job, url):
    root = parse_html(job._repr_html_())
    text = " ".join(root.itertext())
    assert EVIL in text
    assert "succeeded" in text
    assert "epoch 4 of 3" in text
    assert root.find(".//a").get("href") == f"{url}/jobs/{job.id}"
    assert [cell.text for cell in root.findall(".//td")] == ["loss", "1", "1", "4"]
    curve, crosses = root.findall(".//svg/path")[1:3]
    assert curve.get("d").count("M") == 2  # a gap at the values that are not finite
    assert crosses.get("d").count("l6 6") == 2


@pytest.mark.usefixtures("job")
def test_a_client_shows_its_jobs(stackyard, url):
    stackyard.submit(SPEC | {"name": "waiting"})
    root = parse_html(stackyard._repr_html_())
    text = " ".join(root.itertext())
    assert "1 queued, 1 succeeded" in text
    assert [link.text for link in root.findall(".//a")] == [url, "waiting", EVIL]
    assert len(root.findall(".//svg")) == 1


def test_without_the_server_a_job_shows_what_it_knows(url, job):
    with Client("http://127.0.0.1:1", TOKEN) as away:
        text = job.connect(away)._repr_html_()
        assert "svg" not in text
        assert "succeeded" in parse_html(text).find(".//span").text
        assert "No answer from http://127.0.0.1:1" in parse_html(away._repr_html_()).findtext("./div[2]")
    assert url not in text


def test_a_history_is_a_data_frame_where_pandas_is_installed(job, stackyard, monkeypatch):
    expected = pd.read_csv(io.StringIO(stackyard.history_csv(job.id)), index_col="epoch")
    pd.testing.assert_frame_equal(job.history(), expected)
    empty = stackyard.submit(SPEC).history()
    assert (len(empty), list(empty.columns), empty.index.name) == (0, [], "epoch")
    monkeypatch.setitem(sys.modules, "pandas", None)
    columns = job.history()
    assert isinstance(columns, History)
    assert (columns.epochs, columns.column("loss")[2]) == ([0, 1, 2, 3], INFINITY)


def test_jobs_are_equal_copied_and_pickled_whatever_client_loaded_them(job, url):
    with Client(url, TOKEN) as other:
        assert other.job(job.id) == job
    for duplicate in (pickle.loads(pickle.dumps(job)), copy.deepcopy(job)):  # noqa: S301  # our own bytes
        assert duplicate == job
        with pytest.raises(RuntimeError, match=r"Client\.job"):
            duplicate.wait()
        assert duplicate._repr_html_() is None
    assert "connection" not in job.model_dump_json()


def end_job(sessions):
    """Train the only queued job, epoch by epoch, in a thread."""

    def train():
        claim = claim_job(sessions)
        with sessions.begin() as session:
            rows = [EpochMetrics(0, [2.5]), EpochMetrics(1, [1.5])]
            attempts.record_epochs(session, claim, ["loss"], rows, {"loss": MetricSummary(1.5, 1.5, 1)})
        with sessions.begin() as session:
            attempts.conclude_attempt(session, claim, Conclusion(JobState.SUCCEEDED))

    thread = threading.Thread(target=train)
    thread.start()
    return thread


def test_waiting_shows_changes_of_state_outside_a_terminal(sessions, stackyard, capsys):
    job = stackyard.submit(SPEC)
    states = []

    def start(update):
        if not states:
            end_job(sessions).join()
        states.append(update.state)

    assert job.wait(progress=True, on_update=start).succeeded
    assert states == ["queued", "succeeded"]
    assert "succeeded" in capsys.readouterr().out


def test_waiting_in_a_notebook_replaces_the_shown_job(sessions, stackyard, monkeypatch, capsys):
    """The two functions of IPython stand for a kernel: `display` with a handle, and a shell that has a kernel."""
    shown = []

    class Handle:
        def update(self, job):
            shown.append(job._repr_html_())

    def display(job, *, display_id):
        assert display_id
        shown.append(job._repr_html_())
        return Handle()

    monkeypatch.setitem(sys.modules, "IPython", SimpleNamespace(get_ipython=lambda: SimpleNamespace(kernel=object())))
    monkeypatch.setitem(sys.modules, "IPython.display", SimpleNamespace(display=display))
    job = stackyard.submit(SPEC)
    stackyard.wait(job.id, progress=True, on_update=lambda _: len(shown) == 1 and end_job(sessions).join())
    assert ["queued" in shown[0], "succeeded" in shown[-1], "<svg" in shown[-1]] == [True] * 3
    assert capsys.readouterr().out == ""
