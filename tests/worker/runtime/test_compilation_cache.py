"""The cache of compiled functions on disk, and JAX's use of it."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from worker.runtime.compilation_cache import CompilationCache

ROOT = Path(__file__).parents[3]


@pytest.fixture
def cache(tmp_path):
    return CompilationCache(tmp_path / "compiled", max_bytes=1000, describe_environment=lambda: "one processor")


def set_ages(tmp_path, ages):
    """Set how many seconds ago each file was used, from the smallest file to the largest."""
    files = sorted((tmp_path / "compiled").iterdir(), key=lambda path: path.stat().st_size)
    for path, age in zip(files, ages, strict=True):
        os.utime(path, (1e9 - age, 1e9 - age))


def test_a_value_is_returned_also_to_another_process(cache, tmp_path):
    assert cache.get("a") is None
    cache.put("a", b"code")
    assert cache.get("a") == b"code"
    assert CompilationCache(tmp_path / "compiled", 1000, lambda: "one processor").get("a") == b"code"


def test_another_processor_has_other_values(cache, tmp_path):
    cache.put("a", b"code")
    assert CompilationCache(tmp_path / "compiled", 1000, lambda: "another processor").get("a") is None


@pytest.mark.parametrize("length", [0, 10, 35])
def test_a_value_that_was_cut_short_is_removed_and_can_be_stored_again(cache, tmp_path, length):
    cache.put("a", b"code")
    [path] = (tmp_path / "compiled").iterdir()
    path.write_bytes(path.read_bytes()[:length])
    assert cache.get("a") is None
    assert not path.exists()
    cache.put("a", b"code")
    assert cache.get("a") == b"code"


def test_the_least_recently_used_values_make_room(cache, tmp_path):
    for index, key in enumerate("abc"):
        cache.put(key, bytes(200 + index))
    set_ages(tmp_path, [30, 20, 10])
    assert cache.get("a") is not None
    cache.put("d", bytes(300))
    assert [key for key in "abcd" if cache.get(key) is not None] == ["a", "c", "d"]


def test_files_of_killed_processes_are_removed_like_others(cache, tmp_path):
    (tmp_path / "compiled" / "left.123").write_bytes(bytes(900))
    cache.put("a", bytes(200))
    assert len(list((tmp_path / "compiled").iterdir())) == 1


def test_a_value_larger_than_the_cache_is_not_stored(cache):
    cache.put("a", bytes(1000))
    assert cache.get("a") is None


def test_without_a_directory_nothing_is_cached(cache, tmp_path):
    (tmp_path / "compiled").rmdir()
    cache.put("a", b"code")
    assert cache.get("a") is None


TRAIN = """
import json, sys
from service.settings import Settings
from worker.runtime import devices
devices.configure_device(Settings(threads=1))
from tests.worker.engine.sample_jobs import SCORE_LAYERS, build_spec, draw_numbers
from tests.worker.keras_reference import train_with_engine
from worker.engine import Engine
from jax import monitoring
hits = []
monitoring.register_event_listener(lambda event, **_: hits.append(event) if event.endswith("/cache_hits") else None)
outcome, observer = train_with_engine(build_spec(SCORE_LAYERS, epochs=2), draw_numbers())
outcome.network.save(sys.argv[1])
print(json.dumps([observer.columns(), len(hits), "tensorflow" in sys.modules]))
"""


@pytest.fixture
def train(tmp_path):
    """Train on JAX in a new process; return its history, the functions that it found, and if it has TensorFlow."""

    def train():
        process = subprocess.run(
            [sys.executable, "-c", TRAIN, str(tmp_path / "model.keras")],
            capture_output=True,
            text=True,
            cwd=ROOT,
            env=os.environ | {"KERAS_BACKEND": "jax", "STACKYARD_DATA_DIR": str(tmp_path)},
            check=True,
        )
        return json.loads(process.stdout.splitlines()[-1])

    return train


def test_another_process_does_not_compile_again_and_has_the_same_bits(train):
    (history, found, _), (later_history, later_found, _) = train(), train()
    assert (found, later_found > 0) == (0, True)
    assert history == later_history


def test_a_damaged_cache_costs_only_time(train, tmp_path):
    history, _, _ = train()
    for path in (tmp_path / "compiled").iterdir():
        path.write_bytes(path.read_bytes()[:100])
    assert train()[:2] == [history, 0]


def test_a_child_on_jax_does_not_import_tensorflow(train):
    assert train()[2] is False
