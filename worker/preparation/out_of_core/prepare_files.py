"""One job's data: read, cleaned, divided and made into numbers, all of it in files."""

import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from service.datasets.dataset_source import FileSource
from stackyard.spec import (
    ArrayData,
    ArraysDescription,
    DatasetDescription,
    JobSpec,
    TableData,
    TableDescription,
    Task,
)
from worker.preparation.arrays import Array
from worker.preparation.out_of_core.disk_writer import storing, write_rows
from worker.preparation.out_of_core.npz_arrays import map_arrays
from worker.preparation.out_of_core.spooled_table import SpooledTable
from worker.preparation.plan import Make, Plan, plan_arrays, plan_table, used_arrays
from worker.preparation.prepare import mismatch
from worker.preparation.prepared_data import Prepared, make
from worker.preparation.transforms.fitted_transforms import Fitted

_FITTED = "fitted.json"
_FITTED_CELL = 64
"""Bytes that there are, at most, for each number that scikit-learn fits on."""


class _Kept(Fitted):
    """What there is of `Prepared` beside its arrays; `class_weight` by class."""

    class_weight: dict[int, float] | None


def write(
    spec: JobSpec,
    description: DatasetDescription,
    source: FileSource,
    task: Task,
    directory: Path,
    share: int,
    check: Callable[[], None],
) -> None:
    """Make the arrays that a job trains on, the same as `prepare` makes, and leave them in files for `read`.

    Args:
        spec: of the job, found right by `stackyard.spec.check`, its seed filled in.
        description: of the dataset.
        source: where its rows are.
        task: as the check found it.
        directory: an empty one. While they are made it also holds what they are made of.
        share: bytes that columns may take up in memory at a time.
        check: called between two blocks; what it raises passes through.

    Raises:
        PreparationError: something that only the rows can show is in the way.
        StorageError: the files cannot be written.

    """

    def keep(name: str, positions: Array, made: Make) -> Array:
        path = _path(directory, name)
        write_rows(path, positions, made, mapped, check)
        return np.load(path, mmap_mode="r")

    scratch = directory / "scratch"
    with storing():
        scratch.mkdir()
    plan, mapped = _plan(spec, description, source, task, scratch, share, check)
    prepared = make(plan, spec.training, keep)
    with storing():
        shutil.rmtree(scratch)
        kept = _Kept(inputs=prepared.inputs, target=prepared.target, class_weight=_plain(prepared))
        with (directory / _FITTED).open("x") as file:
            file.write(kept.model_dump_json())
            file.flush()
            os.fsync(file.fileno())


def read(directory: Path) -> Prepared:
    """What `write` made; its arrays are read-only np.memmap."""
    kept = _Kept.model_validate_json((directory / _FITTED).read_bytes())
    arrays: dict[str, Any] = {path.stem: np.load(path, mmap_mode="r") for path in directory.glob("*.npy")}
    return Prepared(**arrays, inputs=kept.inputs, target=kept.target, class_weight=kept.class_weight)


def _plan(
    spec: JobSpec,
    description: DatasetDescription,
    source: FileSource,
    task: Task,
    scratch: Path,
    share: int,
    check: Callable[[], None],
) -> tuple[Plan, Iterable[Array]]:
    """The plan, and the files that its rows are made of."""
    match spec.data, description:
        case TableData() as data, TableDescription():
            table = SpooledTable(data, description, source, scratch / "columns", share, check)
            return plan_table(spec, data, description, table, task, check), [table.cells]
        case ArrayData() as data, ArraysDescription():
            stored = map_arrays(source.path, used_arrays(data), scratch, check)
            plan = plan_arrays(spec, data, description, stored, task, check, share // _FITTED_CELL)
            return plan, stored.values()
        case _:
            raise mismatch()


def _plain(prepared: Prepared) -> dict[int, float] | None:
    return None if prepared.class_weight is None else dict(prepared.class_weight)


def _path(directory: Path, name: str) -> Path:
    return directory / f"{name}.npy"
