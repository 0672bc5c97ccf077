"""Data beyond memory: the times of preparation and of training from files and from memory, and the peak memory.

    python benchmarks/large.py                      # 1,600,000 images, 5.0 GB as float32; 12 GB of disk and of memory
    python benchmarks/large.py --rows 400000        # a trial

Images of 28 by 28 bytes are `normalize`d, split at random, and trained on for five epochs, from files and from memory
in one process each. The figure is the median of the later epochs, because graphs are traced in the first.
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
from machine import describe_machine
from outcome import write_figures

SOURCES = ("files", "memory")
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
    """Measure training from files and from memory, each in its own process."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_600_000)
    parser.add_argument("--batch-size", type=int, default=128)
    parser.add_argument("--way", choices=SOURCES, help=argparse.SUPPRESS)
    parser.add_argument(
        "--directory", type=Path, help="a directory on a disk with enough space; a temporary one by default"
    )
    arguments = parser.parse_args()
    if arguments.way:
        print(json.dumps(_measure(arguments.way, arguments.directory, arguments.rows, arguments.batch_size)))
        return
    machine = describe_machine()
    with TemporaryDirectory(prefix="stackyard-large-", dir=arguments.directory) as directory:
        _write_images(Path(directory) / "images.npz", arguments.rows)
        figures = {
            source: _measure_in_process(source, directory, arguments.rows, arguments.batch_size) for source in SOURCES
        }
    files, memory = (figures[source] for source in SOURCES)
    figures["same_losses"] = files.pop("losses") == memory.pop("losses")
    figures["speed"] = round(memory["epoch_s"] / files["epoch_s"], 3)
    figures |= {"rows": arguments.rows, "batch_size": arguments.batch_size, "machine": machine}
    for name, figure in figures.items():
        print(f"{name:12} {figure}")
    write_figures("large", figures)


def _measure_in_process(row_source: str, directory: str, rows: int, batch_size: int) -> dict[str, Any]:
    command = [sys.executable, __file__, "--way", row_source, "--directory", directory]
    command += ["--rows", str(rows), "--batch-size", str(batch_size)]
    process = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(process.stdout)


def _write_images(path: Path, rows: int) -> None:
    generator = np.random.default_rng(0)
    images = np.empty((rows, 28, 28), np.uint8)
    for first in range(0, rows, _CHUNK):
        block = images[first : first + _CHUNK]
        block[:] = generator.integers(0, 256, block.shape, dtype=np.uint8)
    np.savez(path, x=images, y=generator.integers(0, 10, rows))


def _measure(row_source: str, directory: Path, rows: int, batch_size: int) -> dict[str, Any]:
    from service.datasets import dataset_source  # noqa: PLC0415  # only in the measuring process
    from service.settings import Settings  # noqa: PLC0415
    from stackyard.spec import ArrayDescription, ArraysDescription, check_spec, parse_spec  # noqa: PLC0415
    from worker.runtime import devices  # noqa: PLC0415

    share = _NO_LIMIT if row_source == "memory" else min(Settings().data_memory, 28 * 28 * rows)
    settings = Settings(data_dir=directory, data_memory=share, prepared_memory=0)
    devices.configure_device(settings)
    from worker.engine import Engine  # noqa: PLC0415
    from worker.preparation import Preparer  # noqa: PLC0415
    from worker.runtime.tensorflow_threads import TensorFlowThreads  # noqa: PLC0415

    images = ArrayDescription(name="x", type="uint8", shape=[rows, 28, 28], minimum=0, maximum=255)
    labels = ArrayDescription(name="y", type="int64", shape=[rows], categories=[*range(10)], minimum=0, maximum=9)
    description = ArraysDescription(arrays=[images, labels])
    spec = parse_spec(json.dumps(SPEC | {"training": SPEC["training"] | {"batch_size": batch_size}}).encode())
    task = check_spec(spec, description).task
    source = dataset_source.FileSource(directory / "images.npz", dataset_source.NPZ)
    observer = _EpochRecorder()
    with _PeakMemory() as memory_peaks:
        start = time.perf_counter()
        data = Preparer(settings).prepare(spec, "0" * 64, description, source, task, observer.check)
        prepared = time.perf_counter()
        preparing_peak = memory_peaks.to_megabytes()
        observer.times.append(prepared)
        with TensorFlowThreads(devices.describe_execution_environment()).allocate_threads(
            None, reads_files=row_source == "files"
        ):
            Engine(settings.compiled_memory).train(spec, data, observer)
    epochs = np.diff(observer.times).tolist()
    return {
        "prepare_s": round(prepared - start, 1),
        "epochs_s": [round(seconds, 2) for seconds in epochs],
        "epoch_s": round(median(epochs[1:]), 3),
        "prepared_MB": data.nbytes // MEGABYTE,
        "preparing_MB": preparing_peak,
        "peak_MB": memory_peaks.to_megabytes(),
        "losses": observer.losses,
    }


class _EpochRecorder:
    """A training observer that records the time and the loss of each epoch."""

    def __init__(self) -> None:
        self.times: list[float] = []
        self.losses: list[float] = []

    def record_epoch(self, number: int, values: Mapping[str, float]) -> None:
        del number
        self.times.append(time.perf_counter())
        self.losses.append(values["loss"])

    def check(self) -> None:
        pass

    def wants_finish(self, epochs: int) -> bool:
        del epochs
        return False

    def wants_checkpoint(self) -> bool:
        return False

    def save_checkpoint(self, snapshot: Any) -> None:
        pass


class _PeakMemory:
    """Records the peaks of this process's anonymous memory, and of its memory with mapped files."""

    def __init__(self) -> None:
        self._peaks = {"RssAnon": 0, "VmRSS": 0}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._poll_status)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join()

    def to_megabytes(self) -> dict[str, int]:
        return {name: peak * 1024 // MEGABYTE for name, peak in self._peaks.items()}

    def _poll_status(self) -> None:
        while not self._stopping.wait(0.01):
            for line in Path("/proc/self/status").read_text().splitlines():
                name, _, value = line.partition(":")
                if name in self._peaks:
                    self._peaks[name] = max(self._peaks[name], int(value.split()[0]))


if __name__ == "__main__":
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()
