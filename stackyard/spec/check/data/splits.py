"""Count the rows that a split leaves for training, validation and test."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from stackyard.spec.check.fault_collector import MAX_LISTED_CHOICES, FaultCollector
from stackyard.spec.check.report import RowCounts
from stackyard.spec.data.split import ColumnSplit, GroupSplit, Split, SplitMethod, TrainTestSplit, count_train_rows
from stackyard.spec.reading.faults import format_value
from stackyard.spec.reading.json_pointers import PathSegment


@dataclass(frozen=True)
class RowBound:
    """A largest number of rows; it is exact unless the values of the rows decide how many of them leave first."""

    maximum: int
    is_exact: bool

    @property
    def exact_count(self) -> int | None:
        """The number of rows, or None if it is only a bound."""
        return self.maximum if self.is_exact else None


@dataclass(frozen=True)
class SplitKey:
    """The column or array by which rows are split, and its distinct values if they are known.

    `single_row_value` is a value with a single row, if it is known that there is one.
    """

    source: str
    values: Sequence[int | bool | str] | None
    single_row_value: int | bool | str | None = None
    has_floats: bool = False
    """Whether the values are floats, which `values` has as integers."""


_SetName = Literal["test", "validation"]

FindSplitKey = Callable[[str, tuple[PathSegment, ...]], SplitKey | None]
"""Finds the column or array that a split names, or adds a fault at the path."""


class SplitChecker:
    """Counts the rows of each set, and adds a fault where a method cannot split the rows."""

    def __init__(self, find: FindSplitKey, faults: FaultCollector) -> None:
        self._find = find
        self._faults = faults
        self._remaining_values: dict[str, set[tuple[type, object]]] = {}
        """By column: the values that earlier splits by this column leave to train."""
        self._remaining_groups: dict[str, int] = {}
        """By column: the number of groups that an earlier split leaves to train."""

    def count_rows(self, split: Split, rows: RowBound, test_pair_rows: int | None = None) -> tuple[RowCounts, int]:
        """Return the rows of each set, and the largest possible number of training rows.

        Args:
            split: The split methods of the spec.
            rows: The rows to split.
            test_pair_rows: The number of rows of a separate test pair, or None without one.
        """
        remaining, test = self._split_off(split.test, "test", rows)
        train, validation = self._split_off(split.validation, "validation", remaining)
        test = test if test_pair_rows is None else test_pair_rows
        counts = RowCounts(total=rows.exact_count, train=train.exact_count, validation=validation, test=test)
        return counts, train.maximum

    def _split_off(self, method: SplitMethod | None, name: _SetName, rows: RowBound) -> tuple[RowBound, int | None]:
        """Return the rows that remain, and the number of rows in the set `name` if it is known."""
        path = ("data", "split", name)
        match method:
            case None:
                return rows, 0
            case GroupSplit():
                self._check_groups(method, path, name)
            case ColumnSplit():
                self._check_values(method, path)
            case _:
                train = count_train_rows(method, rows.maximum)
                self._check_fraction(train, rows.maximum, method.train_fraction, (*path, "train_fraction"), name)
                if isinstance(method, TrainTestSplit) and method.stratify is not None:
                    self._check_stratify(method.stratify, train, rows, (*path, "stratify"))
                return RowBound(train, rows.is_exact), rows.maximum - train if rows.is_exact else None
        return RowBound(max(rows.maximum - 1, 0), is_exact=False), None

    def _check_fraction(
        self, train: int, total: int, fraction: float, path: tuple[PathSegment, ...], name: _SetName, unit: str = "row"
    ) -> None:
        if total and not 0 < train < total:
            result = f"leaves {train} {unit}s to train and {total - train} for {name}"
            expected = "at least 1 on both sides" if total > 1 else f"more than 1 {unit}"
            message = f"expected {expected}: of {total} {unit}s, a train_fraction of {fraction} {result}"
            self._faults.add(message, *path)

    def _check_stratify(self, column: str, train: int, rows: RowBound, path: tuple[PathSegment, ...]) -> None:
        key = self._find(column, path)
        if key is None:
            return
        if key.values is None:
            message = f"expected whole numbers, booleans or text of few values to stratify by, received {key.source}"
            self._faults.add(message, *path)
        elif min(train, rows.maximum - train) < len(key.values):
            sides = f"{train} rows to train and {rows.maximum - train} others"
            message = f"expected a row of each of the {len(key.values)} values of {key.source} on both sides"
            self._faults.add(f"{message}, received {sides}", *path)
        elif key.single_row_value is not None:
            message = f"expected at least 2 rows of each value of {key.source} to stratify by"
            received = f"received one row of {format_value(key.single_row_value)}"
            self._faults.add(f"{message}, {received}", *path, fix="stratify by another column, or leave out stratify")

    def _check_groups(self, method: GroupSplit, path: tuple[PathSegment, ...], name: _SetName) -> None:
        key = self._find(method.column, (*path, "column"))
        if key is None or key.values is None:
            return
        groups = self._remaining_groups.get(method.column, len(key.values))
        train_groups = self._remaining_groups[method.column] = int(method.train_fraction * groups)
        self._check_fraction(
            train_groups, groups, method.train_fraction, (*path, "train_fraction"), name, unit="group"
        )

    def _check_values(self, method: ColumnSplit, path: tuple[PathSegment, ...]) -> None:
        key = self._find(method.column, (*path, "column"))
        if key is None or key.values is None:
            return
        typed_values = {_add_type(value, key) for value in key.values}
        for index, value in enumerate(method.values):
            if _add_type(value, key) not in typed_values:
                choices = ", ".join(format_value(choice) for choice in key.values[:MAX_LISTED_CHOICES])
                message = f"expected one of the values of {key.source} ({choices}), received {format_value(value)}"
                self._faults.add(message, *path, "values", index)
        self._check_remaining_values(method, key, typed_values, path)

    def _check_remaining_values(
        self, method: ColumnSplit, key: SplitKey, typed_values: set[tuple[type, object]], path: tuple[PathSegment, ...]
    ) -> None:
        """Add a fault where no value trains, or an earlier split has already held out all of the values."""
        held_out = {_add_type(value, key) for value in method.values}
        remaining = self._remaining_values.get(method.column, typed_values)
        if held_out <= typed_values and not held_out & remaining:
            message = f"expected values of {key.source} that the test set leaves, received only values of the test set"
            self._faults.add(message, *path, "values")
        elif not remaining - held_out:
            message = f"expected a value of {key.source} that trains, received all of them"
            self._faults.add(message, *path, "values")
        self._remaining_values[method.column] = remaining - held_out


def _add_type(value: object, key: SplitKey) -> tuple[type, object]:
    """Return a value with its type, as JSON tells values apart: true is not 1. Among floats, 1.0 is 1."""
    if key.has_floats and isinstance(value, float) and value.is_integer():
        return int, int(value)
    return type(value), value
