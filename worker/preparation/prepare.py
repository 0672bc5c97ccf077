"""One job's data: read, cleaned, divided and made into numbers, all of it in memory."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from service.datasets.dataset_source import FileSource, Source
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
from worker.preparation.plan import Make, plan_arrays, plan_table, used_arrays, used_columns
from worker.preparation.prepared_data import Prepared, make


def prepare(
    spec: JobSpec,
    description: DatasetDescription,
    source: Source,
    task: Task,
    check: Callable[[], None] = lambda: None,
) -> Prepared:
    """Make the arrays that a job trains on.

    Args:
        spec: of the job, found right by `stackyard.spec.check`, its seed filled in.
        description: of the dataset.
        source: where its rows are.
        task: as the check found it.
        check: called between any two steps; what it raises passes through.

    Raises:
        PreparationError: something that only the rows can show is in the way.

    """

    def keep(_: str, positions: Array, made: Make) -> Array:
        check()
        array = made(positions)
        array.flags.writeable = False
        return array

    check()
    match spec.data, description, source:
        case TableData() as data, TableDescription(), _:
            table = _Table(_rows(data, description, source))
            return make(plan_table(spec, data, description, table, task, check), spec.training, keep)
        case ArrayData() as data, ArraysDescription(), FileSource():
            stored = dataset_reader.read_arrays(source.path, used_arrays(data))
            return make(plan_arrays(spec, data, description, stored, task, check), spec.training, keep)
        case _:
            raise mismatch()


def mismatch() -> PreparationError:
    """What is wrong where a dataset is a table and the spec speaks of arrays, or the other way."""
    return PreparationError("The dataset is not of the kind that the spec was checked against.")


def lacking_columns(data: TableData, description: TableDescription) -> list[str]:
    """The columns whose missing values leave out rows."""
    return [column.name for column in description.columns if column.missing and data.drops(column.name)]


def nothing_left() -> PreparationError:
    """What is wrong where no row is left."""
    return PreparationError("Every row lacks a value in some column, so drop_missing leaves none.")


def _rows(data: TableData, description: TableDescription, source: Source) -> Any:
    used, lacking = used_columns(data, description), lacking_columns(data, description)
    frame: Any = dataset_reader.read(source, description, list(dict.fromkeys([*used, *lacking])))
    if lacking:
        frame = frame.dropna(subset=lacking, ignore_index=True)
    if len(frame) == 0:
        raise nothing_left()
    return frame[used]


class _Table:
    """A table in memory."""

    def __init__(self, frame: Any) -> None:
        self._frame = frame

    @property
    def count(self) -> int:
        return len(self._frame)

    def column(self, name: str) -> Any:
        return self._frame[name]

    def frame(self, names: Sequence[str], positions: Array) -> Any:
        return self._frame[list(names)].iloc[positions]

    def columns(self, names: Sequence[str], positions: Array) -> Iterator[Any]:
        return iter([self.frame(names, positions)] if names else [])
