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
from stackyard.spec.data.used_columns import list_test_columns, list_used_columns
from worker.preparation import dataset_reader
from worker.preparation.arrays import Array, PreparationError
from worker.preparation.dataset_rows import DatasetRows
from worker.preparation.plan import BuildRows, list_used_arrays, plan_arrays, plan_table
from worker.preparation.prepared_data import PreparedData, build_prepared_data


def prepare_data(
    spec: JobSpec,
    description: DatasetDescription,
    source: DatasetSource,
    task: Task,
    check: Callable[[], None] = lambda: None,
    test_dataset: DatasetRows | None = None,
) -> PreparedData:
    """Build the arrays that a job trains on.

    Args:
        spec: of the job, valid by `stackyard.spec.check` and with its seed filled in.
        description: of the dataset.
        source: where the rows are.
        task: as returned by the check.
        check: called between steps; exceptions that it raises are passed on.
        test_dataset: the rows of the spec's `test_dataset`; None without one.

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
            table = _InMemoryTable(_read_frame(data, description, source, list_used_columns(data, description)))
            test_table = None if test_dataset is None else _read_test_table(data, description, test_dataset)
            plan = plan_table(spec, data, description, table, task, check, test_table)
            return build_prepared_data(plan, spec.training, store)
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


def _read_test_table(data: TableData, description: TableDescription, test: DatasetRows) -> "_InMemoryTable":
    if not isinstance(test.description, TableDescription):
        raise build_mismatch_error()
    columns = list_test_columns(data, description)
    return _InMemoryTable(_read_frame(data, test.description, test.source, columns))


def _read_frame(data: TableData, description: TableDescription, source: DatasetSource, used: Sequence[str]) -> Any:
    required = list_required_columns(data, description)
    frame: Any = dataset_reader.read_source(source, description, list(dict.fromkeys([*used, *required])))
    if required:
        frame = frame.dropna(subset=required, ignore_index=True)
    if len(frame) == 0:
        raise build_no_rows_error()
    complete_integers = [name for name in required if frame[name].dtype == "Int64"]
    return frame[list(used)].astype({name: "int64" for name in complete_integers if name in used})


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
