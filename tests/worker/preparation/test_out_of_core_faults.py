"""Rows that are to be prepared into files, and what comes between."""

import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from service.datasets import dataset_source
from service.datasets.dataset_source import FileSource
from service.datasets.inspection import csv_file, npz_file
from service.settings import Settings
from stackyard.spec import ArraysDescription, TableDescription, check
from tests.worker.preparation.promised import MEMORY, spec_of
from worker.preparation import PreparationError, Preparer, StorageError
from worker.preparation.out_of_core import disk_writer, npz_arrays, spooled_table

SHA256 = "a" * 64


class Stop(Exception):
    """What a check raises."""


@pytest.fixture(params=["csv", "stored", "compressed"])
def job(request, tmp_path, monkeypatch):
    """Prepares many blocks of some file, with a check."""
    monkeypatch.setattr(disk_writer, "_BLOCK", 4000)
    monkeypatch.setattr(spooled_table, "_BLOCK_CELLS", 1000)
    monkeypatch.setattr(npz_arrays, "_CHUNK", 4000)
    generator = np.random.default_rng(0)
    split = {"validation": {"method": "random", "train_fraction": 0.8}}
    path = tmp_path / "file"
    if request.param == "csv":
        pd.DataFrame(generator.random((2000, 4)), columns=list("abcy")).to_csv(path, index=False)
        source = FileSource(path, dataset_source.CSV)
        description = TableDescription.model_validate(csv_file.describe(path, MEMORY))
        features = [{"columns": ["a", "b", "c"], "transform": "standard"}]
        spec = spec_of({"dataset": "t", "target": {"column": "y"}, "features": features, "split": split})
    else:
        with path.open("wb") as file:
            save = np.savez if request.param == "stored" else np.savez_compressed
            save(file, x=generator.integers(0, 9, (2000, 9)), y=generator.random(2000))
        source = FileSource(path, dataset_source.NPZ)
        description = ArraysDescription.model_validate(npz_file.describe(path, MEMORY))
        spec = spec_of({"dataset": "t", "x": "x", "y": "y", "normalize": {"axis": -2}, "split": split})
    task = check(spec, description).task

    def job(asked, **settings):
        preparer = Preparer(Settings(**{"data_dir": tmp_path, "data_memory": 1} | settings))
        return preparer.prepare(spec, SHA256, description, source, task, asked)

    return job


def left(directory):
    """What lies where rows are kept."""
    return [*(directory / "prepared").iterdir()]


def test_a_check_between_any_two_blocks_can_end_it(job, tmp_path):
    calls = 0

    def count():
        nonlocal calls
        calls += 1

    job(count, data_dir=tmp_path / "elsewhere")
    assert calls > 15
    for last in range(1, calls):  # after the last, all is written
        asked = iter(range(last - 1))

        def stop(asked=asked):
            if next(asked, None) is None:
                raise Stop

        with pytest.raises(Stop):
            job(stop)
        assert left(tmp_path) == []
    assert isinstance(job(lambda: None).x_train, np.memmap)


def test_a_check_can_end_it_in_memory_too(job):
    def stop():
        raise Stop

    with pytest.raises(Stop):
        job(stop, data_memory=1 << 30)


def test_what_was_prepared_is_found_by_another_process(job, tmp_path):
    first = job(lambda: None)
    (tmp_path / "file").unlink()
    again = job(lambda: None)
    assert np.array_equal(first.x_train, again.x_train)
    assert again.inputs == first.inputs


def test_more_than_may_lie_on_the_disk_is_refused(job, tmp_path):
    with pytest.raises(PreparationError, match="STACKYARD_PREPARED_DISK"):
        job(lambda: None, prepared_disk=10_000)
    assert left(tmp_path) == []


def test_a_disk_that_cannot_be_written_to(job, tmp_path):
    (tmp_path / "prepared").touch()
    with pytest.raises(StorageError, match="could not write prepared rows"):
        job(lambda: None)


def test_a_damaged_file_is_noticed(tmp_path, monkeypatch):
    """As in memory, where the zip reader compares checksums."""
    monkeypatch.setattr(npz_arrays, "_CHUNK", 4000)
    path = tmp_path / "file.npz"
    np.savez(path, x=np.ones((5000, 8), np.uint8), y=np.zeros(5000))
    description = ArraysDescription.model_validate(npz_file.describe(path, MEMORY))
    spec = spec_of({"dataset": "t", "x": "x", "y": "y"})
    with path.open("r+b") as file:
        file.seek(20_000)
        file.write(b"\2")
    for share in (1, 1 << 30):
        preparer = Preparer(Settings(data_dir=tmp_path, data_memory=share))
        with pytest.raises(Exception, match="Bad CRC-32"):
            preparer.prepare(
                spec,
                SHA256,
                description,
                FileSource(path, dataset_source.NPZ),
                check(spec, description).task,
                lambda: None,
            )


LIMITED = """
import resource, sys
from pathlib import Path
from worker.preparation import StorageError
from worker.preparation.out_of_core.disk_cache import Shelf
from worker.preparation.out_of_core.disk_writer import write_rows
import numpy as np

def write(directory):
    rows = np.zeros((1000, 1000), np.float32)
    write_rows(directory / "x.npy", np.arange(1000), lambda some: rows[some], (), lambda: None)

resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
try:
    Shelf(Path(sys.argv[1]), 1 << 30).take("a", 4 << 20, write, lambda: None)
except StorageError as error:
    print(error)
"""


def test_a_write_that_fails_leaves_nothing(tmp_path):
    """By the limit of a file's size, which is what a full disk is to a process that writes."""
    directory = tmp_path / "prepared"
    command = [sys.executable, "-c", LIMITED, directory]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    assert done.stdout == "The worker could not write prepared rows to its disk: File too large.\n"
    assert left(tmp_path) == []
