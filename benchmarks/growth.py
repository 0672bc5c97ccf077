"""The growth of a fresh child's memory over one job: reads a network's name, prints the figures as JSON.

    python benchmarks/growth.py "Dense 4096 x 2"

The process is configured like a worker's child, and does what a child does after the rows are prepared: it trains,
evaluates and saves the network.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import psutil
from networks import SUBJECTS, Subject

from service.settings import Settings
from stackyard.cores import count_usable_cores
from worker.runtime import devices, memory

if TYPE_CHECKING:
    from worker.engine import Engine
    from worker.engine.snapshot import Snapshot


class _Observer:
    """A training observer that does nothing."""

    def record_epoch(self, epoch: int, metrics: Mapping[str, float]) -> None:
        """Ignore the epoch."""

    def check(self) -> None:
        """Let the training continue."""

    def wants_finish(self, epochs: int) -> bool:
        """Train all epochs."""
        del epochs
        return False

    def get_until_epoch(self) -> int | None:
        """Train to the end."""
        return None

    def wants_final_snapshot(self, size: int) -> bool:
        """Request no snapshot."""
        del size
        return False

    def wants_checkpoint(self) -> bool:
        """Request no checkpoint."""
        return False

    def save_checkpoint(self, snapshot: "Snapshot") -> None:
        """Ignore the checkpoint."""


def measure_growth(subject: Subject) -> dict[str, Any]:
    """Train the network; return the bytes before, the bytes by which the peak was higher, and the estimate."""
    devices.configure_device(Settings(threads=count_usable_cores()))
    import numpy as np  # noqa: PLC0415
    from arrays import ExperimentTable  # noqa: PLC0415  # it imports tensorflow, which must be configured first
    from tutorials import Experiment  # noqa: PLC0415

    from worker.engine import Engine  # noqa: PLC0415

    with TemporaryDirectory(prefix="stackyard-growth-") as directory:
        file = Path(directory) / "rows.npz"
        np.savez(file, allow_pickle=False, **subject.build_arrays())
        spec = subject.build_spec()
        job = ExperimentTable.load(Experiment(subject.name, spec, file)).prepare_job(spec)
        engine = Engine(Settings().compiled_memory)
        memory.reset_peak_memory()
        before = psutil.Process().memory_info().rss
        _run_job(job, engine, Path(directory))
        return {
            "before": before,
            "growth": memory.read_peak_memory() - before,
            "estimate": job.report.memory.total_bytes,
            "memory": job.report.memory.model_dump(),
        }


def _run_job(job: Any, engine: "Engine", directory: Path) -> None:
    from worker.attempt.evaluation import count_evaluation_rows, evaluate_network  # noqa: PLC0415

    outcome = engine.train(job.spec, job.data, _Observer(), evaluation_rows=count_evaluation_rows(job.data))
    if outcome.divergence is None:
        evaluate_network(outcome, job.data, job.spec.training.batch_size, lambda: None)
    outcome.network.save(directory / "model.keras")


if __name__ == "__main__":
    print(json.dumps(measure_growth(next(subject for subject in SUBJECTS if subject.name == sys.argv[1]))))
