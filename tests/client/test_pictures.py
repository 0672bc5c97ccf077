"""Histories and pictures from the real API, by the client and by the command line."""

import os
import subprocess
import sys

import pytest

from models import JobState
from service.jobs.attempts import Conclusion
from stackyard.client import ProblemError
from tests.client.conftest import TOKEN
from tests.recorded_jobs import create_recorded_job

LOSS = [1 / (epoch + 1) for epoch in range(100)]
EVALUATION = {
    "on": "validation",
    "rows": 30,
    "rows_left_out": 0,
    "metrics": {"loss": 0.1, "accuracy": None},
    "nonfinite": {"accuracy": "NaN"},
    "confusion": {"classes": [False, True], "matrix": [[10, 2], [3, 15]]},
    "residuals": None,
}


@pytest.fixture
def job(sessions):
    return str(create_recorded_job(sessions, {"loss": LOSS}, Conclusion(JobState.SUCCEEDED, evaluation=EVALUATION)).id)


@pytest.fixture
def command(url):
    """Run a command; return its exit status, output and error output."""

    def run(*arguments):
        environment = os.environ | {"STACKYARD_URL": url, "STACKYARD_TOKEN": TOKEN, "COLUMNS": "200"}
        argv = [sys.executable, "-m", "stackyard", *map(str, arguments)]
        process = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=120, check=False)
        return process.returncode, process.stdout, process.stderr

    return run


def test_a_history_is_thinned(stackyard, job):
    thinned = stackyard.history(job, max_points=12)
    assert len(thinned.epochs) <= 12
    assert thinned.column("loss")[0] == 1.0
    assert len(stackyard.history(job).epochs) == 100


def test_pictures_have_the_requested_format(stackyard, job):
    assert stackyard.curve(job).startswith(b"<svg")
    assert stackyard.curve(job, "png", metrics=["loss"], theme="dark", width=400).startswith(b"\x89PNG")
    assert stackyard.evaluation_chart(job).startswith(b"<svg")
    assert stackyard.evaluation_chart(job, "png", theme="dark").startswith(b"\x89PNG")
    with pytest.raises(ProblemError) as caught:
        stackyard.curve(job, metrics=["los"])
    assert "expected some of loss" in caught.value.problem.errors[0].message


def test_an_evaluation_is_typed(stackyard, job):
    evaluation = stackyard.job(job).evaluation
    assert (evaluation.on, evaluation.rows, evaluation.rows_left_out) == ("validation", 30, 0)
    assert evaluation.confusion.classes == [False, True]
    assert evaluation.confusion.matrix == [[10, 2], [3, 15]]
    assert evaluation.residuals is None
    assert evaluation.nonfinite == {"accuracy": "NaN"}


@pytest.mark.parametrize(("name", "start"), [("curve.svg", b"<svg"), ("curve.PNG", b"\x89PNG")])
def test_the_command_saves_a_picture(command, job, tmp_path, name, start):
    path = tmp_path / name
    assert command("curve", job, "-o", path, "--theme", "dark", "--from-epoch", "10") == (0, f"{path}\n", "")
    assert path.read_bytes().startswith(start)


def test_the_command_refuses_a_file_that_it_cannot_write(command, job, tmp_path):
    status, _, errors = command("curve", job, "-o", tmp_path / "curve.pdf")
    assert status == 1
    assert "ends in .svg or .png, received curve.pdf" in errors
    status, _, errors = command("curve", job, "-o", tmp_path / "nowhere" / "curve.svg")
    assert status == 1
    assert "Cannot write" in errors
    assert "validation  loss 0.1" in command("job", job)[1]
