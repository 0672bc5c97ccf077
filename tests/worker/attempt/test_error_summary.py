"""Clients learn the cause of an unexpected error, but neither tracebacks nor the paths of the server."""

import json
import re

import pytest
from fastapi.testclient import TestClient
from structlog.testing import capture_logs

from api.app import create_app
from tests.conftest import LOCAL_URL
from tests.in_process_trainer import Trainer, create_installation
from worker.attempt.error_summary import remove_paths, summarize_error

GRAPH_ERROR = """Graph execution error:

Detected at node sequential_1/embedding_1/GatherV2 defined at (most recent call last):
  File "/opt/stackyard/lib/python3.11/site-packages/celery/__main__.py", line 15, in main

indices[0,2] = -1 is not in [0, 100)
\t [[{{node sequential_1/embedding_1/GatherV2}}]] [Op:__inference_multi_step_1234]"""
KERAS_ERROR = """Exception encountered when calling Embedding.call().

\x1b[1mInvalid dtype: float32\x1b[0m

Arguments received by Embedding.call():
  • inputs=tf.Tensor(shape=(None, 4), dtype=float32)"""


@pytest.mark.parametrize(
    ("error", "summary"),
    [
        (ValueError(GRAPH_ERROR), "ValueError: indices[0,2] = -1 is not in [0, 100)"),
        (ValueError(KERAS_ERROR), "ValueError: Invalid dtype: float32"),
        (ValueError("cannot open '/srv/stackyard/data/x.db': no"), "ValueError: cannot open '(path)': no"),
        (ValueError(), "ValueError"),
        (ValueError("Graph execution error:"), "ValueError: Graph execution error:"),
    ],
)
def test_the_summary_is_the_last_plain_line(error, summary):
    assert summarize_error(error) == summary


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


def test_a_failed_job_shows_one_line_and_the_log_has_the_rest(tmp_path, sqlite_template, broker_url):
    installation = create_installation(tmp_path, sqlite_template, broker_url)
    with TestClient(create_app(installation), LOCAL_URL) as client, capture_logs() as logs:
        trainer = Trainer(client, installation)
        trainer.upload("tokens", b"a,b,y\n" + b"1,2,0\n3,4,1\n" * 20)
        job = trainer.attempt(
            {
                "data": {"dataset": "tokens", "target": {"column": "y"}},
                "network": {
                    "layers": [
                        {"type": "Rescaling", "scale": 1000.0},
                        {"type": "Embedding", "input_dim": 10, "output_dim": 2},
                        {"type": "Flatten"},
                        {"type": "Dense", "units": 1},
                    ]
                },
                "training": {"optimizer": "adam", "loss": "mse", "epochs": 1, "batch_size": 8},
            }
        )
    assert job["state"] == "failed"
    reason = job["reason"]
    assert reason["code"] == "unexpected"
    pattern = r"\w+: indices\[.*\] = \d+ is not in \[0, 10\) \(error ([0-9a-f]{32})\)"
    match = re.fullmatch(pattern, reason["message"])
    assert "/" not in json.dumps(reason)
    [entry] = [entry for entry in logs if entry.get("error_id") == match.group(1)]
    assert "Detected at node" in str(entry["exc_info"])
