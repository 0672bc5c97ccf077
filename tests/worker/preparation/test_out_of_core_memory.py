"""Memory growth of a process that prepares large data."""

import os
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from service.datasets import dataset_source
from stackyard.spec import ArrayDescription, ArraysDescription, ColumnDescription, TableDescription
from tests.worker.preparation.checked_preparation import build_spec

pytestmark = pytest.mark.exhaustive

MEGABYTE = 1 << 20
FLOATS = 50_000_000
"""As float32, 200 MB."""

PREPARE = """
import sys, threading
from pathlib import Path
from pydantic import TypeAdapter
from service.settings import Settings
from service.datasets.dataset_source import FileSource
from stackyard.spec import DatasetDescription, check_spec, parse_spec
from worker.preparation import Preparer

path, media_type, described, spec, share, data_dir = sys.argv[1:]
description = TypeAdapter(DatasetDescription).validate_json(described)
spec = parse_spec(spec.encode())
task = check_spec(spec, description).task

def read_anonymous_memory():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon"))

before, peak, done = read_anonymous_memory(), 0, threading.Event()

def track_peak():
    global peak
    while not done.wait(0.002):
        peak = max(peak, read_anonymous_memory())

tracker = threading.Thread(target=track_peak)
tracker.start()
preparer = Preparer(Settings(data_dir=data_dir, data_memory=int(share), prepared_memory=0))
prepared = preparer.prepare(spec, "a" * 64, description, FileSource(Path(path), media_type), task, lambda: None)
done.set()
tracker.join()
print(type(prepared.x_train).__name__, peak - before, prepared.nbytes)
"""


def measure_growth(path, media_type, description, spec, share):
    """Return the peak growth of its memory, and whether the rows were prepared in files."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
    command = [sys.executable, "-c", PREPARE, path, media_type, description.model_dump_json(), spec, str(share)]
    process = subprocess.run([*command, path.parent], env=environment, capture_output=True, text=True, check=True)
    kind, peak, prepared = process.stdout.split()
    assert int(prepared) >= FLOATS * 4
    return int(peak), kind == "memmap"


def measure_both(path, media_type, description, data, **training):
    """Return the memory growth of preparation in memory, and in files with a share of 20 MB."""
    spec = build_spec(data, **training).model_dump_json()
    in_memory, in_files = measure_growth(path, media_type, description, spec, 1 << 40)
    assert not in_files
    with_files, in_files = measure_growth(path, media_type, description, spec, 20 * MEGABYTE)
    assert in_files
    return in_memory, with_files


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_images(save, tmp_path):
    rows = FLOATS // 784
    images = np.random.default_rng(0).integers(0, 256, (rows, 28, 28), dtype=np.uint8)
    images[:, 10:] = 0
    path = tmp_path / "images.npz"
    save(path, x=images, y=np.arange(rows) % 10)
    described = [
        ArrayDescription(name="x", type="uint8", shape=[*images.shape], minimum=0, maximum=255),
        ArrayDescription(name="y", type="int64", shape=[rows], categories=[*range(10)], minimum=0, maximum=9),
    ]
    data = {"dataset": "images", "x": "x", "y": "y", "normalize": {"axis": 1}, "target": {"encode": "one_hot"}}
    data["split"] = {"validation": {"method": "random", "train_fraction": 0.9, "seed": 0}}
    description = ArraysDescription(arrays=described)
    in_memory, with_files = measure_both(
        path, dataset_source.NPZ, description, data, outputs=10, loss="categorical_crossentropy"
    )
    assert in_memory > 4 * FLOATS
    assert with_files < 80 * MEGABYTE


@pytest.mark.parametrize("media_type", [dataset_source.PARQUET, dataset_source.CSV])
def test_tables(media_type, tmp_path):
    width = 51
    rows = FLOATS // (width - 1)
    path = tmp_path / "table"
    names = [f"n{index}" for index in range(width)]
    if media_type == dataset_source.PARQUET:
        kind = "float"
        writing_in_groups(path, names, rows)
    else:
        kind = "integer"
        lines = [",".join(map(str, np.arange(row, row + width) % 10)) for row in range(10)]
        with path.open("w") as file:
            file.write(",".join(names) + "\n")
            for _ in range(rows // 10):
                file.write("\n".join(lines) + "\n")
        rows = rows // 10 * 10
    columns = [ColumnDescription(name=name, type=kind, missing=0, minimum=0, maximum=9) for name in names]
    data = {"dataset": "table", "target": {"column": "n0"}}
    data["features"] = [
        {"columns": names[1:20], "transform": "standard"},
        {"columns": names[20:40], "transform": "robust"},
        {"columns": names[40:], "transform": "l2"},
    ]
    data["split"] = {"validation": {"method": "random", "train_fraction": 0.9, "seed": 0}}
    description = TableDescription(rows=rows, columns=columns)
    in_memory, with_files = measure_both(path, media_type, description, data)
    assert in_memory > 8 * FLOATS
    per_row = 100 * rows  # a column at a time, and row positions
    assert with_files < 80 * MEGABYTE + per_row


def writing_in_groups(path, names, rows):
    generator = np.random.default_rng(0)
    schema = pa.schema([(name, pa.float64()) for name in names])
    with pq.ParquetWriter(path, schema, use_dictionary=False) as writer:
        for _ in range(rows // 100_000):
            writer.write_table(pa.table({name: generator.random(100_000) for name in names}, schema))
