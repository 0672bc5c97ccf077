"""Prepare one job's data in memory."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from service.datasets.dataset_source import DatasetSource, FileSource
from stackyard.spec import (
    ArrayData,
    ArraysDescription,
    DatasetDescription,
    JobSpec,
    TableData,
    TableDescription,
    Task,
)
from worker.preparation import dataset_reader
from worker.preparation.arrays import Array, PreparationError
from worker.preparation.plan import BuildRows, list_used_arrays, list_used_columns, plan_arrays, plan_table
from worker.preparation.prepared_data import PreparedData, build_prepared_data


def prepare_data(
    spec: JobSpec,
    description: DatasetDescription,
    source: DatasetSource,
    task: Task,
    check: Callable[[], None] = lambda: None,
) -> PreparedData:
    """Build the arrays that a job trains on.

    Args:
        spec: of the job, valid by `stackyard.spec.check` and with its seed filled in.
        description: of the dataset.
        source: where the rows are.
        task: as returned by the check.
        check: called between steps; exceptions that it raises are passed on.

    Raises:
        PreparationError: the rows do not permit what the spec asks for.

    """

    def store(_: str, positions: Array, build: BuildRows) -> Array:
        check()
        array = build(positions)
        array.flags.writeable = False
        return array

    check()
    match spec.data, description, source:
        case TableData() as data, TableDescription(), _:
            table = _InMemoryTable(_read_frame(data, description, source))
            return build_prepared_data(plan_table(spec, data, description, table, task, check), spec.training, store)
        case ArrayData() as data, ArraysDescription(), FileSource():
            arrays = dataset_reader.read_arrays(source.path, list_used_arrays(data))
            return build_prepared_data(plan_arrays(spec, data, description, arrays, task, check), spec.training, store)
        case _:
            raise build_mismatch_error()


def build_mismatch_error() -> PreparationError:
    """Return the error for a spec and a dataset of which one has a table and the other arrays."""
    return PreparationError("The dataset is not of the kind that the spec was checked against.")


def list_required_columns(data: TableData, description: TableDescription) -> list[str]:
    """Return the columns that have missing values for which the spec drops rows."""
    return [column.name for column in description.columns if column.missing and data.drops_rows_without(column.name)]


def build_no_rows_error() -> PreparationError:
    """Return the error for a table of which every row is dropped."""
    return PreparationError("Every row lacks a value in some column, so drop_missing leaves none.")


def _read_frame(data: TableData, description: TableDescription, source: DatasetSource) -> Any:
    used, required = list_used_columns(data, description), list_required_columns(data, description)
    frame: Any = dataset_reader.read_source(source, description, list(dict.fromkeys([*used, *required])))
    if required:
        frame = frame.dropna(subset=required, ignore_index=True)
    if len(frame) == 0:
        raise build_no_rows_error()
    return frame[used]


class _InMemoryTable:
    """A table whose rows are in memory."""

    def __init__(self, frame: Any) -> None:
        self._frame = frame

    @property
    def row_count(self) -> int:
        return len(self._frame)

    def read_column(self, name: str) -> Any:
        return self._frame[name]

    def read_frame(self, names: Sequence[str], positions: Array) -> Any:
        return self._frame[list(names)].iloc[positions]

    def iterate_frames(self, names: Sequence[str], positions: Array) -> Iterator[Any]:
        return iter([self.read_frame(names, positions)] if names else [])
