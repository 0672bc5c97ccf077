"""Prepare one job's data in files."""

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
from stackyard.spec.data.used_columns import list_test_columns
from worker.preparation.arrays import Array
from worker.preparation.dataset_rows import DatasetRows
from worker.preparation.out_of_core.disk_writer import translate_write_errors, write_rows
from worker.preparation.out_of_core.npz_arrays import map_arrays
from worker.preparation.out_of_core.spooled_table import SpooledTable
from worker.preparation.plan import BuildRows, PreparationPlan, list_used_arrays, plan_arrays, plan_table
from worker.preparation.prepare import build_mismatch_error
from worker.preparation.prepared_data import PreparedData, build_prepared_data
from worker.preparation.transforms.fitted_transforms import FittedTransforms

_METADATA_FILE = "fitted.json"
_BYTES_PER_FITTED_CELL = 64
"""Maximum working memory of scikit-learn for each number that it fits on."""


class _Metadata(FittedTransforms):
    """The fields of `PreparedData` that are not arrays; `class_weight` is by class."""

    class_weight: dict[int, float] | None


def write_prepared_files(
    spec: JobSpec,
    description: DatasetDescription,
    source: FileSource,
    task: Task,
    directory: Path,
    share: int,
    check: Callable[[], None],
    test_dataset: DatasetRows | None = None,
) -> None:
    """Build the arrays that a job trains on, bit-identical to those of `prepare_data`, and write them to files.

    `read_prepared_files` reads them.

    Args:
        spec: of the job, valid by `stackyard.spec.check` and with its seed filled in.
        description: of the dataset.
        source: where the rows are.
        task: as returned by the check.
        directory: an empty directory. During the work it also holds temporary files.
        share: bytes of memory that columns may take at a time.
        check: called between blocks; exceptions that it raises are passed on.
        test_dataset: the rows of the spec's `test_dataset`; None without one.

    Raises:
        PreparationError: the rows do not permit what the spec asks for.
        StorageError: the files cannot be written.

    """

    def store(name: str, positions: Array, build: BuildRows) -> Array:
        path = directory / f"{name}.npy"
        write_rows(path, positions, build, mapped, check)
        return np.load(path, mmap_mode="r")

    scratch = directory / "scratch"
    with translate_write_errors():
        scratch.mkdir()
    plan, mapped = _build_plan(spec, description, source, task, scratch, share, check, test_dataset)
    prepared = build_prepared_data(plan, spec.training, store)
    with translate_write_errors():
        shutil.rmtree(scratch)
        metadata = _Metadata(inputs=prepared.inputs, target=prepared.target, class_weight=_copy_class_weight(prepared))
        with (directory / _METADATA_FILE).open("x") as file:
            file.write(metadata.model_dump_json())
            file.flush()
            os.fsync(file.fileno())


def read_prepared_files(directory: Path) -> PreparedData:
    """Return the data that `write_prepared_files` wrote; its arrays are read-only np.memmap."""
    metadata = _Metadata.model_validate_json((directory / _METADATA_FILE).read_bytes())
    arrays: dict[str, Any] = {path.stem: np.load(path, mmap_mode="r") for path in directory.glob("*.npy")}
    return PreparedData(**arrays, inputs=metadata.inputs, target=metadata.target, class_weight=metadata.class_weight)


def _build_plan(
    spec: JobSpec,
    description: DatasetDescription,
    source: FileSource,
    task: Task,
    scratch: Path,
    share: int,
    check: Callable[[], None],
    test_dataset: DatasetRows | None,
) -> tuple[PreparationPlan, Iterable[Array]]:
    """Return the plan, and the mapped arrays that its rows are built from."""
    match spec.data, description:
        case TableData() as data, TableDescription():
            table = SpooledTable(data, description, source, scratch / "columns", share, check)
            if test_dataset is None:
                return plan_table(spec, data, description, table, task, check), [table.cells]
            test_table = _spool_test_table(data, description, test_dataset, scratch, share, check)
            plan = plan_table(spec, data, description, table, task, check, test_table)
            return plan, [table.cells, test_table.cells]
        case ArrayData() as data, ArraysDescription():
            arrays = map_arrays(source.path, list_used_arrays(data), scratch, check)
            max_cells = share // _BYTES_PER_FITTED_CELL
            return plan_arrays(spec, data, description, arrays, task, check, max_cells), arrays.values()
        case _:
            raise build_mismatch_error()


def _spool_test_table(
    data: TableData,
    description: TableDescription,
    test_dataset: DatasetRows,
    scratch: Path,
    share: int,
    check: Callable[[], None],
) -> SpooledTable:
    names = list_test_columns(data, description)
    match test_dataset.description, test_dataset.source:
        case TableDescription() as test_description, FileSource() as source:
            return SpooledTable(data, test_description, source, scratch / "test", share, check, names)
        case _:
            raise build_mismatch_error()


def _copy_class_weight(prepared: PreparedData) -> dict[int, float] | None:
    return None if prepared.class_weight is None else dict(prepared.class_weight)
