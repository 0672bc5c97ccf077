"""What a worker computes on: cards, cores, threads, and what its children say of it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from worker import celery_app
from worker.runtime import gpus

ROOT = Path(__file__).parents[3]

CHILD = """
import json
from dataclasses import asdict
from service.settings import Settings
from worker import devices
devices.configure(Settings())
import tensorflow as tf
print(json.dumps(asdict(devices.describe()) | {"cards": len(tf.config.list_physical_devices("GPU"))}))
"""

SHARE = """
import os
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
from worker import entry
print(entry._threads(1))
"""


def run(program, **variables):
    """A process's exit status and what it said last."""
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | variables,
        check=False,
    )
    return done.returncode, (done.stdout or done.stderr).strip().splitlines()[-1]


def test_a_cpu_worker_s_child_sees_no_card_and_tells_its_threads():
    status, said = run(CHILD, STACKYARD_THREADS="3")
    assert status == 0, said
    told = json.loads(said)
    assert (told["device"], told["cards"], told["threads"], told["precision"]) == ("cpu", 0, 3, "float32")
    assert set(told["versions"]) == {"python", "stackyard", "keras", "tensorflow"}


def test_a_gpu_worker_s_child_without_a_card_does_not_begin():
    status, said = run(CHILD, STACKYARD_DEVICE="gpu", CUDA_VISIBLE_DEVICES="-1")
    assert status == 1
    assert said == "RuntimeError: expected card -1, and tensorflow finds none"


def test_a_device_is_not_chosen_once_tensorflow_is_loaded():
    status, said = run(f"import tensorflow\n{CHILD}")
    assert status == 1
    assert said.startswith("RuntimeError: expected to come before tensorflow")


def test_cards_that_are_hidden_are_not_found(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert gpus.find() == ()


def test_there_is_a_card_for_every_child():
    gpus.enough(["NVIDIA H200", "NVIDIA H200"], 2)
    with pytest.raises(SystemExit, match=r"2 are wanted, and tensorflow finds 1 \(NVIDIA H200\)"):
        gpus.enough(["NVIDIA H200"], 2)


@pytest.mark.parametrize(
    ("cores", "children", "neighbours", "threads", "alone"),
    [(2, 1, 0, 2, 2), (2, 2, 0, 1, 2), (8, 3, 0, 2, 8), (8, 3, 1, 2, 6), (8, 1, 1, 4, 4), (1, 4, 0, 1, 1)],
)
def test_the_threads_of_all_children_fit_the_cores(monkeypatch, cores, children, neighbours, threads, alone):
    monkeypatch.setattr(celery_app, "count_usable_cores", lambda: cores)
    monkeypatch.setattr(
        celery_app, "_settings", celery_app._settings.model_copy(update={"neighbours": neighbours, "threads": 0})
    )
    assert celery_app._threads(children) == (threads, alone)


def test_threads_that_were_asked_for_are_given(monkeypatch):
    monkeypatch.setattr(celery_app, "_settings", celery_app._settings.model_copy(update={"threads": 7}))
    assert celery_app._threads(2) == (7, 7)
    monkeypatch.setattr(
        celery_app, "_settings", celery_app._settings.model_copy(update={"threads": 7, "threads_alone": 9})
    )
    assert celery_app._threads(2) == (7, 9)


def test_a_gpu_worker_s_children_are_never_alone_on_more(monkeypatch):
    monkeypatch.setattr(celery_app, "count_usable_cores", lambda: 8)
    wanted = {"device": "gpu", "threads_alone": 8}
    monkeypatch.setattr(celery_app, "_settings", celery_app._settings.model_copy(update=wanted))
    assert celery_app._threads(2) == (4, 4)


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system bounds no process to some cores")
def test_a_worker_that_is_bound_to_a_core_has_one_thread():
    assert run(SHARE) == (0, "(1, 1)")
