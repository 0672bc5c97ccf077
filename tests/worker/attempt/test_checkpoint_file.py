"""Checkpoints as files: what is read is what was written, or it is refused."""

import io
import json
from dataclasses import replace
from uuid import UUID, uuid4

import numpy as np
import pytest

from worker.attempt.checkpoint_file import CheckpointError, read, write
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
    callbacks={"0": {"wait": 1, "best": 0.1 + 0.2}, "1": {"best": float("inf")}, "2": {"best": None}},
    stopped=True,
    trained={"loss": 0.1, "rest": float("nan")},
)


def written(snapshot=SNAPSHOT, job_id=JOB, attempt=1):
    file = io.BytesIO()
    write(snapshot, file, job_id=job_id, attempt=attempt)
    return file.getvalue()


@pytest.fixture
def read_back(tmp_path):
    def read_back(content, job_id=JOB):
        (tmp_path / "file").write_bytes(content)
        return read(tmp_path / "file", job_id=job_id)

    return read_back


def same(one, other):
    np.testing.assert_equal(vars(replace(one, state={})), vars(replace(other, state={})))
    assert list(one.state) == list(other.state)
    for mine, theirs in zip(one.state.values(), other.state.values(), strict=True):
        assert (mine.dtype, mine.shape, mine.tobytes()) == (theirs.dtype, theirs.shape, theirs.tobytes())


def test_what_is_read_is_what_was_written(read_back):
    same(read_back(written()), SNAPSHOT)


def test_arrays_of_any_layout_and_size(read_back):
    draw = np.random.default_rng(0)
    state = {
        "turned": draw.normal(size=(40, 30)).astype("float32").T,
        "every third": np.arange(100)[::3],
        "large": draw.integers(0, 255, 3_000_000, dtype="uint8"),
    }
    same(read_back(written(replace(SNAPSHOT, state=state))), replace(SNAPSHOT, state=state))
    swapped = {"swapped": np.arange(4, dtype=">i4")}
    np.testing.assert_array_equal(read_back(written(replace(SNAPSHOT, state=swapped))).state["swapped"], range(4))


def test_no_part_of_it_may_be_missing(read_back):
    content = written()
    for length in range(len(content)):
        with pytest.raises(CheckpointError):
            read_back(content[:length])
    with pytest.raises(CheckpointError):
        read_back(content + b"\0")


def test_no_byte_of_it_may_be_another(read_back):
    content = written()
    for place in range(len(content)):
        with pytest.raises(CheckpointError):
            read_back(content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :])


def test_another_job_s_is_refused(read_back):
    with pytest.raises(CheckpointError, match="of job"):
        read_back(written(), job_id=uuid4())


def test_none_is_refused(tmp_path):
    with pytest.raises(CheckpointError):
        read(tmp_path / "none", job_id=JOB)


def test_no_two_jobs_and_no_two_attempts_share_a_file():
    assert len({written(), written(job_id=UUID(int=8)), written(attempt=2)}) == 3
    assert written() == written()


def test_what_would_run_on_being_read_is_not_written():
    objects = np.array([{}, print], dtype=object)
    with pytest.raises((TypeError, ValueError)):
        written(replace(SNAPSHOT, state={"network/0": objects}))


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
def test_a_header_that_does_not_fit_is_refused(change, read_back, monkeypatch):
    """Not even one that is whole: as another version of this might write."""
    monkeypatch.setattr(json, "dumps", lambda header, of=json.dumps: of(header | change))
    content = written()
    monkeypatch.undo()
    with pytest.raises(CheckpointError):
        read_back(content)
