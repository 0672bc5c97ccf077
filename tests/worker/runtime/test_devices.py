"""The device that a worker's child computes on, and the GPUs that its parent requires."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from worker.runtime import gpus

pytestmark = pytest.mark.exhaustive

ROOT = Path(__file__).parents[3]

PRINT_ENVIRONMENT = """
import json
from dataclasses import asdict
from service.settings import Settings
from worker.runtime import devices
devices.configure_device(Settings())
import tensorflow as tf
gpus = len(tf.config.list_physical_devices("GPU"))
print(json.dumps(asdict(devices.describe_execution_environment()) | {"gpus": gpus}))
"""


def run_script(script, **variables):
    """Return the exit status of a process, and its last line of output."""
    process = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | variables,
        check=False,
    )
    return process.returncode, (process.stdout or process.stderr).strip().splitlines()[-1]


def test_a_child_of_a_cpu_worker_sees_no_gpu_and_describes_its_environment():
    status, output = run_script(PRINT_ENVIRONMENT, STACKYARD_THREADS="3")
    assert status == 0, output
    environment = json.loads(output)
    assert (environment["device"], environment["gpus"]) == ("cpu", 0)
    assert (environment["threads"], environment["precision"]) == (3, "float32")
    assert set(environment["versions"]) == {"python", "stackyard", "keras", "tensorflow"}


def test_a_child_on_jax_describes_its_environment_without_tensorflow():
    script = """
import json, sys
from dataclasses import asdict
from service.settings import Settings
from worker.runtime import devices
devices.configure_device(Settings())
environment = asdict(devices.describe_execution_environment())
print(json.dumps(environment | {"tensorflow": "tensorflow" in sys.modules}))
"""
    status, output = run_script(script, KERAS_BACKEND="jax", STACKYARD_THREADS="3", STACKYARD_COMPILATION_CACHE="0")
    assert status == 0, output
    environment = json.loads(output)
    assert (environment["device"], environment["threads"], environment["precision"]) == ("cpu", 3, "float32")
    assert environment["tensorflow"] is False


def test_a_child_on_jax_of_a_gpu_worker_does_not_start_without_a_gpu():
    status, output = run_script(
        PRINT_ENVIRONMENT, KERAS_BACKEND="jax", STACKYARD_DEVICE="gpu", CUDA_VISIBLE_DEVICES="-1"
    )
    assert status == 1
    assert "expected GPU -1, and jax finds none" in output


def test_a_device_cannot_be_configured_once_jax_is_imported():
    status, output = run_script(f"import jax\n{PRINT_ENVIRONMENT}", KERAS_BACKEND="jax")
    assert status == 1
    assert output.startswith("RuntimeError: expected to run before jax")


def test_a_child_of_a_gpu_worker_does_not_start_without_a_gpu():
    status, output = run_script(PRINT_ENVIRONMENT, STACKYARD_DEVICE="gpu", CUDA_VISIBLE_DEVICES="-1")
    assert status == 1
    assert output == "RuntimeError: expected GPU -1, and tensorflow finds none"


def test_a_device_cannot_be_configured_once_tensorflow_is_imported():
    status, output = run_script(f"import tensorflow\n{PRINT_ENVIRONMENT}")
    assert status == 1
    assert output.startswith("RuntimeError: expected to run before tensorflow")


def test_hidden_gpus_are_not_listed(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")
    assert gpus.list_gpus() == ()


def test_every_child_needs_a_gpu():
    gpus.require_gpus(["NVIDIA H200", "NVIDIA H200"], 2)
    with pytest.raises(SystemExit, match=r"expected at least 2, and tensorflow finds 1 \(NVIDIA H200\)"):
        gpus.require_gpus(["NVIDIA H200"], 2)
