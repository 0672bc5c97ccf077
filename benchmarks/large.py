"""Rows beyond memory: how long they take to prepare, how fast they train from files, and in how much memory.

    python benchmarks/large.py                      # 1,600,000 images, 5.0 GB as float32; 12 GB of disk and of memory
    python benchmarks/large.py --rows 400000        # tried out

Images of 28 by 28 bytes are `normalize`d, divided at random, and trained on for five epochs, from files and from
memory, in a process each. The median of the later epochs counts: in the first graphs are prepared.
"""

import argparse
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, Self

import numpy as np
from machine import machine
from outcome import keep

WAYS = ("files", "memory")
MEGABYTE = 1_000_000
SPEC: dict[str, Any] = {
    "data": {
        "dataset": "images",
        "x": "x",
        "y": "y",
        "normalize": {"axis": -1},
        "split": {"test": {"method": "random", "train_fraction": 0.99, "seed": 0}},
    },
    "network": {
        "layers": [
            {"type": "Flatten"},
            {"type": "Dense", "units": 128, "activation": "relu"},
            {"type": "Dense", "units": 10, "activation": "softmax"},
        ]
    },
    "training": {
        "optimizer": "adam",
        "loss": "sparse_categorical_crossentropy",
        "metrics": ["accuracy"],
        "epochs": 5,
        "seed": 0,
    },
}
_CHUNK = 50_000
_NO_LIMIT = 1 << 60


def main() -> None:
    """Measure each way in a process of its own."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_600_000)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--directory", type=Path, help="where there is room; a temporary one by default")
    asked = parser.parse_args()
    if asked.way:
        print(json.dumps(_measure(asked.way, asked.directory, asked.rows, asked.batch_size)))
        return
    described = machine()
    with TemporaryDirectory(prefix="stackyard-large-", dir=asked.directory) as directory:
        _make(Path(directory) / "images.npz", asked.rows)
        figures = {way: _in_a_process(way, directory, asked.rows, asked.batch_size) for way in WAYS}
    files, memory = (figures[way] for way in WAYS)
    figures["same_losses"] = files.pop("losses") == memory.pop("losses")
    figures["speed"] = round(memory["epoch_s"] / files["epoch_s"], 3)
    figures |= {"rows": asked.rows, "batch_size": asked.batch_size, "machine": described}
    for name, figure in figures.items():
        print(f"{name:12} {figure}")
    keep("large", figures)


def _in_a_process(way: str, directory: str, rows: int, batch_size: int) -> dict[str, Any]:
    command = [sys.executable, __file__, "--way", way, "--directory", directory]
    command += ["--rows", str(rows), "--batch-size", str(batch_size)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout)


def _make(path: Path, rows: int) -> None:
    generator = np.random.default_rng(0)
    images = np.empty((rows, 28, 28), np.uint8)
    for first in range(0, rows, _CHUNK):
        block = images[first : first + _CHUNK]
        block[:] = generator.integers(0, 256, block.shape, dtype=np.uint8)
    np.savez(path, x=images, y=generator.integers(0, 10, rows))


def _measure(way: str, directory: Path, rows: int, batch_size: int) -> dict[str, Any]:
    from service.datasets import dataset_source  # noqa: PLC0415  # in the process that measures alone
    from service.settings import Settings  # noqa: PLC0415
    from stackyard.spec import ArrayDescription, ArraysDescription, check, parse  # noqa: PLC0415
    from worker.runtime import devices  # noqa: PLC0415

    share = _NO_LIMIT if way == "memory" else min(Settings().data_memory, 28 * 28 * rows)
    settings = Settings(data_dir=directory, data_memory=share, prepared_memory=0)
    devices.configure(settings)
    from worker.engine import Engine  # noqa: PLC0415
    from worker.preparation import Preparer  # noqa: PLC0415
    from worker.runtime.threads import Threads  # noqa: PLC0415

    images = ArrayDescription(name="x", type="uint8", shape=[rows, 28, 28], minimum=0, maximum=255)
    labels = ArrayDescription(name="y", type="int64", shape=[rows], categories=[*range(10)], minimum=0, maximum=9)
    description = ArraysDescription(arrays=[images, labels])
    spec = parse(json.dumps(SPEC | {"training": SPEC["training"] | {"batch_size": batch_size}}).encode())
    task = check(spec, description).task
    source = dataset_source.FileSource(directory / "images.npz", dataset_source.NPZ)
    watch = _Watch()
    with _Peaks() as peaks:
        since = time.perf_counter()
        data = Preparer(settings).prepare(spec, "0" * 64, description, source, task, watch.check)
        prepared = time.perf_counter()
        preparing = peaks.told()
        watch.times.append(prepared)
        with Threads(devices.describe()).of(None, reading=way == "files"):
            Engine(settings.compiled_memory).train(spec, data, watch)
    epochs = np.diff(watch.times).tolist()
    return {
        "prepare_s": round(prepared - since, 1),
        "epochs_s": [round(seconds, 2) for seconds in epochs],
        "epoch_s": round(median(epochs[1:]), 3),
        "prepared_MB": data.bytes // MEGABYTE,
        "preparing_MB": preparing,
        "peak_MB": peaks.told(),
        "losses": watch.losses,
    }


class _Watch:
    """Hears of epochs, and lets everything go on."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.losses: list[float] = []

    def epoch(self, number: int, values: Mapping[str, float]) -> None:
        del number
        self.times.append(time.perf_counter())
        self.losses.append(values["loss"])

    def check(self) -> None:
        pass

    def wants_checkpoint(self) -> bool:
        return False

    def checkpoint(self, snapshot: Any) -> None:
        pass


class _Peaks:
    """The most that this process had at a time: anonymous memory, and with mapped files."""

    def __init__(self) -> None:
        self._peaks = {"RssAnon": 0, "VmRSS": 0}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def told(self) -> dict[str, int]:
        return {name: peak * 1024 // MEGABYTE for name, peak in self._peaks.items()}

    def _look(self) -> None:
        while not self._over.wait(0.01):
            for line in Path("/proc/self/status").read_text().splitlines():
                name, _, value = line.partition(":")
                if name in self._peaks:
                    self._peaks[name] = max(self._peaks[name], int(value.split()[0]))


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()
