"""Clients learn the cause of an unexpected error, but neither tracebacks nor the paths of the server."""

import json
import re

import pytest
from fastapi.testclient import TestClient
from structlog.testing import capture_logs

from api.app import create_app
from tests.conftest import LOCAL_URL
from tests.in_process_trainer import Trainer, create_installation
from worker.attempt import job_training
from worker.attempt.error_summary import find_known_cause, remove_paths

GRAPH_ERROR = """Graph execution error:

Detected at node sequential_1/embedding_1/GatherV2 defined at (most recent call last):
  File "/opt/stackyard/lib/python3.11/site-packages/celery/__main__.py", line 15, in main

indices[0,2] = -1 is not in [0, 100)
\t [[{{node sequential_1/embedding_1/GatherV2}}]] [Op:__inference_multi_step_1234]"""
LABEL_ERROR = "Received a label value of 5 which is outside the valid range of [0, 3).  Label values: 0 5"


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (ValueError(GRAPH_ERROR), ("data", "from 0 to 99 to look up in a layer such as Embedding, received -1.")),
        (ValueError(LABEL_ERROR), ("data", "expected labels from 0 to 2, received 5.")),
        (MemoryError(), ("out_of_memory", "more memory than the worker has.")),
    ],
)
def test_known_causes_are_sentences(error, cause):
    code, message = find_known_cause(error)
    assert code == cause[0]
    assert message.endswith(cause[1])


def test_other_errors_have_no_known_cause():
    assert find_known_cause(TypeError("only 0-dimensional arrays can be converted to Python scalars")) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("see file:///etc/passwd and ~/x", "see (path) and (path)"),
        ("in (/tmp/a-b/c.py)", "in ((path))"),
        ("path=/tmp/a", "path=(path)"),
        ("https://example.com/a/b, 3/4, n/a, a / b", "https://example.com/a/b, 3/4, n/a, a / b"),
    ],
)
def test_only_absolute_paths_are_removed(text, expected):
    assert remove_paths(text) == expected


@pytest.fixture
def trainer(tmp_path, sqlite_template, broker_url):
    installation = create_installation(tmp_path, sqlite_template, broker_url)
    with TestClient(create_app(installation), LOCAL_URL) as client:
        trainer = Trainer(client, installation)
        trainer.upload("tokens", b"a,b,y\n" + b"1,2,0\n3,4,1\n" * 20)
        yield trainer


def build_spec(*layers):
    return {
        "data": {"dataset": "tokens", "target": {"column": "y"}},
        "network": {"layers": [*layers, {"type": "Dense", "units": 1}]},
        "training": {"optimizer": "adam", "loss": "mse", "epochs": 1, "batch_size": 8},
    }


def test_an_index_that_only_the_training_computes_is_explained(trainer):
    embedding = {"type": "Embedding", "input_dim": 10, "output_dim": 2}
    job = trainer.attempt(build_spec({"type": "Rescaling", "scale": 1000.0}, embedding, "Flatten"))
    assert (job["state"], job["reason"]["code"]) == ("failed", "data")
    assert re.fullmatch(r"The data .* from 0 to 9 .*, received \d+\.", job["reason"]["message"])


def test_an_unexpected_error_is_a_sentence_and_the_log_has_the_rest(trainer):
    text = "only 0-dimensional arrays can be converted, see /srv/lib/site-packages/numpy/core.py"

    def fail(*_):
        raise TypeError(text)

    with capture_logs() as logs, pytest.MonkeyPatch.context() as patched:
        patched.setattr(job_training, "evaluate_network", fail)
        job = trainer.attempt(build_spec())
    reason = job["reason"]
    assert (job["state"], reason["code"]) == ("failed", "unexpected")
    assert reason["error_id"] in reason["message"]
    assert not {"TypeError", "dimensional", "/"} & set(re.findall(r"\w+|/", json.dumps(reason)))
    [entry] = [entry for entry in logs if entry.get("error_id") == reason["error_id"]]
    assert "0-dimensional" in str(entry["exc_info"])
