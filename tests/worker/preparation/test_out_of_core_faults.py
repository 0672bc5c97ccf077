"""Preparation in files that is stopped or fails."""

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
from stackyard.spec import ArraysDescription, TableDescription, check_spec
from tests.worker.preparation.checked_preparation import MEMORY, build_spec
from worker.preparation import PreparationError, Preparer, StorageError
from worker.preparation.out_of_core import disk_writer, npz_arrays, spooled_table

SHA256 = "a" * 64


class Stop(Exception):
    """Raised by a check."""


@pytest.fixture(params=["csv", "stored", "compressed"])
def prepare_job(request, tmp_path, monkeypatch):
    """Prepare a file in many blocks, with a check."""
    monkeypatch.setattr(disk_writer, "_BLOCK_BYTES", 4000)
    monkeypatch.setattr(spooled_table, "_CELLS_PER_BLOCK", 1000)
    monkeypatch.setattr(npz_arrays, "_CHUNK", 4000)
    generator = np.random.default_rng(0)
    split = {"validation": {"method": "random", "train_fraction": 0.8}}
    path = tmp_path / "file"
    if request.param == "csv":
        pd.DataFrame(generator.random((2000, 4)), columns=list("abcy")).to_csv(path, index=False)
        source = FileSource(path, dataset_source.CSV)
        description = TableDescription.model_validate(csv_file.describe_csv(path, MEMORY))
        features = [{"columns": ["a", "b", "c"], "transform": "standard"}]
        spec = build_spec({"dataset": "t", "target": {"column": "y"}, "features": features, "split": split})
    else:
        with path.open("wb") as file:
            save = np.savez if request.param == "stored" else np.savez_compressed
            save(file, x=generator.integers(0, 9, (2000, 9)), y=generator.random(2000))
        source = FileSource(path, dataset_source.NPZ)
        description = ArraysDescription.model_validate(npz_file.describe_npz(path, MEMORY))
        spec = build_spec({"dataset": "t", "x": "x", "y": "y", "normalize": {"axis": -2}, "split": split})
    task = check_spec(spec, description).task

    def prepare(check_stop, **settings):
        preparer = Preparer(Settings(**{"data_dir": tmp_path, "data_memory": 1} | settings))
        return preparer.prepare(spec, SHA256, description, source, task, check_stop)

    return prepare


def list_cache(directory):
    """List the files in the cache directory."""
    return [*(directory / "prepared").iterdir()]


def test_a_check_between_blocks_can_stop_preparation(prepare_job, tmp_path):
    calls = 0

    def count_check():
        nonlocal calls
        calls += 1

    prepare_job(count_check, data_dir=tmp_path / "elsewhere")
    assert calls > 15
    for last in range(1, calls):  # after the last, all is written
        remaining_checks = iter(range(last - 1))

        def stop(remaining_checks=remaining_checks):
            if next(remaining_checks, None) is None:
                raise Stop

        with pytest.raises(Stop):
            prepare_job(stop)
        assert list_cache(tmp_path) == []
    assert isinstance(prepare_job(lambda: None).x_train, np.memmap)


def test_a_check_can_stop_preparation_in_memory(prepare_job):
    def stop():
        raise Stop

    with pytest.raises(Stop):
        prepare_job(stop, data_memory=1 << 30)


def test_another_preparer_reuses_the_files(prepare_job, tmp_path):
    first = prepare_job(lambda: None)
    (tmp_path / "file").unlink()
    again = prepare_job(lambda: None)
    assert np.array_equal(first.x_train, again.x_train)
    assert again.inputs == first.inputs


def test_data_larger_than_the_disk_cache_is_an_error(prepare_job, tmp_path):
    with pytest.raises(PreparationError, match="STACKYARD_PREPARED_DISK"):
        prepare_job(lambda: None, prepared_disk=10_000)
    assert list_cache(tmp_path) == []


def test_an_unwritable_cache_directory_is_an_error(prepare_job, tmp_path):
    (tmp_path / "prepared").touch()
    with pytest.raises(StorageError, match="could not write prepared rows"):
        prepare_job(lambda: None)


def test_a_wrong_checksum_is_an_error(tmp_path, monkeypatch):
    """In files as in memory, where the ZIP reader compares checksums."""
    monkeypatch.setattr(npz_arrays, "_CHUNK", 4000)
    path = tmp_path / "file.npz"
    np.savez(path, x=np.ones((5000, 8), np.uint8), y=np.zeros(5000))
    description = ArraysDescription.model_validate(npz_file.describe_npz(path, MEMORY))
    spec = build_spec({"dataset": "t", "x": "x", "y": "y"})
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
                check_spec(spec, description).task,
                lambda: None,
            )


LIMITED = """
import resource, sys
from pathlib import Path
from worker.preparation import StorageError
from worker.preparation.out_of_core.disk_cache import DiskCache
from worker.preparation.out_of_core.disk_writer import write_rows
import numpy as np

def write(directory):
    rows = np.zeros((1000, 1000), np.float32)
    write_rows(directory / "x.npy", np.arange(1000), lambda some: rows[some], (), lambda: None)

resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
try:
    DiskCache(Path(sys.argv[1]), 1 << 30).acquire("a", 4 << 20, write, lambda: None)
except StorageError as error:
    print(error)
"""


def test_a_failed_write_leaves_no_files(tmp_path):
    """A limit on file sizes fails writes as a full disk does."""
    directory = tmp_path / "prepared"
    command = [sys.executable, "-c", LIMITED, directory]
    process = subprocess.run(command, capture_output=True, text=True, check=True, env=os.environ)
    assert process.stdout == "The worker could not write prepared rows to its disk: File too large.\n"
    assert list_cache(tmp_path) == []
