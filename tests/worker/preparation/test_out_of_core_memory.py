"""What the memory of a process grows by while it prepares what does not fit into it."""

import os
import subprocess
import sys

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from service.datasets import dataset_source
from stackyard.spec import ArrayDescription, ArraysDescription, ColumnDescription, TableDescription
from tests.worker.preparation.promised import spec_of

MEGABYTE = 1 << 20
FLOATS = 50_000_000
"""As float32, 200 MB."""

PREPARE = """
import sys, threading
from pathlib import Path
from pydantic import TypeAdapter
from service.settings import Settings
from service.datasets.dataset_source import FileSource
from stackyard.spec import DatasetDescription, check, parse
from worker.preparation import Preparer

path, media_type, described, spec, share, data_dir = sys.argv[1:]
description = TypeAdapter(DatasetDescription).validate_json(described)
spec = parse(spec.encode())
task = check(spec, description).task

def anonymous():
    with open("/proc/self/status") as status:
        return next(int(line.split()[1]) * 1024 for line in status if line.startswith("RssAnon"))

before, peak, done = anonymous(), 0, threading.Event()

def watch():
    global peak
    while not done.wait(0.002):
        peak = max(peak, anonymous())

watching = threading.Thread(target=watch)
watching.start()
preparer = Preparer(Settings(data_dir=data_dir, data_memory=int(share), prepared_memory=0))
made = preparer.prepare(spec, "a" * 64, description, FileSource(Path(path), media_type), task, lambda: None)
done.set()
watching.join()
print(type(made.x_train).__name__, peak - before, made.bytes)
"""


def grown(path, media_type, description, spec, share):
    """What its memory grew by, at its peak, and whether the rows went into files."""
    environment = os.environ | {"OMP_NUM_THREADS": "1", "ARROW_DEFAULT_MEMORY_POOL": "system"}
    command = [sys.executable, "-c", PREPARE, path, media_type, description.model_dump_json(), spec, str(share)]
    done = subprocess.run([*command, path.parent], env=environment, capture_output=True, text=True, check=True)
    kind, peak, made = done.stdout.split()
    assert int(made) >= FLOATS * 4
    return int(peak), kind == "memmap"


def held_and_not(path, media_type, description, data, **training):
    """Bytes that it takes to prepare in memory, and with a share of 20 MB."""
    spec = spec_of(data, **training).model_dump_json()
    held, in_files = grown(path, media_type, description, spec, 1 << 40)
    assert not in_files
    not_held, in_files = grown(path, media_type, description, spec, 20 * MEGABYTE)
    assert in_files
    return held, not_held


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
    held, not_held = held_and_not(
        path, dataset_source.NPZ, description, data, outputs=10, loss="categorical_crossentropy"
    )
    assert held > 4 * FLOATS
    assert not_held < 80 * MEGABYTE


@pytest.mark.parametrize("media_type", [dataset_source.PARQUET, dataset_source.CSV])
def test_tables(media_type, tmp_path):
    width = 51
    rows = FLOATS // (width - 1)
    path = tmp_path / "table"
    names = [f"n{place}" for place in range(width)]
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
    held, not_held = held_and_not(path, media_type, description, data)
    assert held > 8 * FLOATS
    per_row = 100 * rows  # a column at a time, and the rows' places
    assert not_held < 80 * MEGABYTE + per_row


def writing_in_groups(path, names, rows):
    generator = np.random.default_rng(0)
    schema = pa.schema([(name, pa.float64()) for name in names])
    with pq.ParquetWriter(path, schema, use_dictionary=False) as writer:
        for _ in range(rows // 100_000):
            writer.write_table(pa.table({name: generator.random(100_000) for name in names}, schema))
