"""Checkpoint files: reading one returns the written snapshot, or fails."""

import io
import json
from dataclasses import replace
from uuid import UUID, uuid4

import numpy as np
import pytest

from worker.attempt.checkpoint_file import CheckpointError, read_checkpoint, write_checkpoint
from worker.engine import Snapshot

JOB = UUID(int=7)
SNAPSHOT = Snapshot(
    epoch=3,
    step=2,
    state={
        "network/0": np.arange(6, dtype="float32").reshape(2, 3),
        "network/1": np.array([np.nan, -np.inf, -0.0, 5e-324]),
        "optimizer/0": np.array(2**40),
        "optimizer/1": np.zeros((0, 4), "float32"),
        "optimizer/2": np.array([True, False]),
        "metrics/0": np.array([2**32 - 1], "uint32"),
    },
    callback_state={"0": {"wait": 1, "best": 0.1 + 0.2}, "1": {"best": float("inf")}, "2": {"best": None}},
    stopped=True,
    train_metrics={"loss": 0.1, "rest": float("nan")},
)


def write_to_bytes(snapshot=SNAPSHOT, job_id=JOB, attempt=1):
    file = io.BytesIO()
    write_checkpoint(snapshot, file, job_id=job_id, attempt=attempt)
    return file.getvalue()


@pytest.fixture
def read_back(tmp_path):
    def read_back(content, job_id=JOB):
        (tmp_path / "file").write_bytes(content)
        return read_checkpoint(tmp_path / "file", job_id=job_id)

    return read_back


def assert_equal_snapshots(snapshot, expected):
    np.testing.assert_equal(vars(replace(snapshot, state={})), vars(replace(expected, state={})))
    assert list(snapshot.state) == list(expected.state)
    for array, expected_array in zip(snapshot.state.values(), expected.state.values(), strict=True):
        assert array.dtype == expected_array.dtype
        assert array.shape == expected_array.shape
        assert array.tobytes() == expected_array.tobytes()


def test_reading_returns_the_written_snapshot(read_back):
    assert_equal_snapshots(read_back(write_to_bytes()), SNAPSHOT)


def test_arrays_may_have_any_layout_and_size(read_back):
    draw = np.random.default_rng(0)
    state = {
        "transposed": draw.normal(size=(40, 30)).astype("float32").T,
        "strided": np.arange(100)[::3],
        "large": draw.integers(0, 255, 3_000_000, dtype="uint8"),
    }
    assert_equal_snapshots(read_back(write_to_bytes(replace(SNAPSHOT, state=state))), replace(SNAPSHOT, state=state))
    swapped = {"swapped": np.arange(4, dtype=">i4")}
    snapshot = read_back(write_to_bytes(replace(SNAPSHOT, state=swapped)))
    np.testing.assert_array_equal(snapshot.state["swapped"], range(4))


def test_an_incomplete_file_is_refused(read_back):
    content = write_to_bytes()
    for length in range(len(content)):
        with pytest.raises(CheckpointError):
            read_back(content[:length])
    with pytest.raises(CheckpointError):
        read_back(content + b"\0")


def test_a_changed_byte_is_refused(read_back):
    content = write_to_bytes()
    for index in range(len(content)):
        with pytest.raises(CheckpointError):
            read_back(content[:index] + bytes([content[index] ^ 1]) + content[index + 1 :])


def test_a_checkpoint_of_another_job_is_refused(read_back):
    with pytest.raises(CheckpointError, match="of job"):
        read_back(write_to_bytes(), job_id=uuid4())


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(CheckpointError):
        read_checkpoint(tmp_path / "missing", job_id=JOB)


def test_files_of_different_jobs_and_attempts_differ():
    assert len({write_to_bytes(), write_to_bytes(job_id=UUID(int=8)), write_to_bytes(attempt=2)}) == 3
    assert write_to_bytes() == write_to_bytes()


def test_objects_that_could_run_code_are_not_written():
    objects = np.array([{}, print], dtype=object)
    with pytest.raises((TypeError, ValueError)):
        write_to_bytes(replace(SNAPSHOT, state={"network/0": objects}))


@pytest.mark.parametrize(
    "change",
    [
        {"arrays": [{"name": "a", "dtype": "|O", "shape": [1]}]},
        {"arrays": [{"name": "a", "dtype": "<f4", "shape": [1000]}]},
        {"arrays": [{"name": "a", "dtype": "<f4", "shape": [1]}]},
        {"arrays": [{"name": "a", "dtype": "nonsense", "shape": []}]},
        {"arrays": [{"name": "a"}]},
        {"arrays": None},
        {"epoch": None},
    ],
)
def test_an_invalid_header_is_refused(change, read_back, monkeypatch):
    """Another version of this module might write such a file, with a valid digest."""
    monkeypatch.setattr(json, "dumps", lambda header, dumps=json.dumps: dumps(header | change))
    content = write_to_bytes()
    monkeypatch.undo()
    with pytest.raises(CheckpointError):
        read_back(content)
