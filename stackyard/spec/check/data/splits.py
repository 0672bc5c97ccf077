"""How many rows train, validate and test."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from stackyard.spec.check.fault_collector import Faults
from stackyard.spec.check.report import Rows
from stackyard.spec.data.split import ColumnSplit, GroupSplit, Split, SplitMethod, TrainTestSplit, train_rows
from stackyard.spec.reading.faults import say
from stackyard.spec.reading.json_pointers import Step


@dataclass(frozen=True)
class Known:
    """A number of rows; not `exactly` where the rows' own values decide how many leave first."""

    most: int
    exactly: bool

    @property
    def number(self) -> int | None:
        """The number, where it is known."""
        return self.most if self.exactly else None


@dataclass(frozen=True)
class Deciding:
    """What decides a split: a column or an array, and its distinct values where they are known."""

    what: str
    values: Sequence[int | bool | str] | None


_Part = Literal["test", "validation"]

Find = Callable[[str, tuple[Step, ...]], Deciding | None]
"""Finds what a split names, or notes at its place why not."""


class Splits:
    """Divides rows by a spec's methods, and notes what cannot be divided."""

    def __init__(self, find: Find, faults: Faults) -> None:
        self._find = find
        self._faults = faults

    def divide(self, split: Split, rows: Known, test: int | None = None) -> tuple[Rows, int]:
        """Return the rows of each part, and as many as can train; `test` is the size of a test pair of its own."""
        if rows.most == 0:
            self._faults.add("expected at least 1 row, received none", "data")
        train, tested = self._part(split.test, "test", rows)
        train, validated = self._part(split.validation, "validation", train)
        return Rows(train=train.number, validation=validated, test=tested if test is None else test), train.most

    def _part(self, method: SplitMethod | None, name: _Part, rows: Known) -> tuple[Known, int | None]:
        place = ("data", "split", name)
        match method:
            case None:
                return rows, 0
            case GroupSplit():
                self._group(method, place, name)
            case ColumnSplit():
                self._column(method, place)
            case _:
                train = train_rows(method, rows.most)
                self._hold(train, rows.most, method.train_fraction, (*place, "train_fraction"), name)
                if isinstance(method, TrainTestSplit) and method.stratify is not None:
                    self._stratify(method.stratify, train, rows, (*place, "stratify"))
                return Known(train, rows.exactly), rows.most - train if rows.exactly else None
        return Known(max(rows.most - 1, 0), exactly=False), None

    def _hold(
        self, train: int, of: int, fraction: float, place: tuple[Step, ...], name: _Part, what: str = "row"
    ) -> None:
        if of and not 0 < train < of:
            left = f"leaves {train} {what}s to train and {of - train} for {name}"
            fix = "at least 1 on both sides" if of > 1 else f"more than 1 {what}"
            self._faults.add(f"expected {fix}: of {of} {what}s, a train_fraction of {fraction} {left}", *place)

    def _stratify(self, column: str, train: int, rows: Known, place: tuple[Step, ...]) -> None:
        found = self._find(column, place)
        if found is None:
            return
        if found.values is None:
            message = f"expected whole numbers, booleans or text of few values to stratify by, received {found.what}"
            self._faults.add(message, *place)
        elif min(train, rows.most - train) < len(found.values):
            sides = f"{train} rows to train and {rows.most - train} others"
            message = f"expected a row of each of the {len(found.values)} values of {found.what} on both sides"
            self._faults.add(f"{message}, received {sides}", *place)

    def _group(self, method: GroupSplit, place: tuple[Step, ...], name: _Part) -> None:
        found = self._find(method.column, (*place, "column"))
        if found is None or found.values is None:
            return
        groups = len(found.values)
        train = int(method.train_fraction * groups)
        self._hold(train, groups, method.train_fraction, (*place, "train_fraction"), name, "group")

    def _column(self, method: ColumnSplit, place: tuple[Step, ...]) -> None:
        found = self._find(method.column, (*place, "column"))
        if found is None or found.values is None:
            return
        # As JSON has them: true is not 1.
        known = {(type(value), value) for value in found.values}
        for index, value in enumerate(method.values):
            if (type(value), value) not in known:
                listed = ", ".join(say(one) for one in found.values[:20])
                message = f"expected one of the values of {found.what} ({listed}), received {say(value)}"
                self._faults.add(message, *place, "values", index)
        if not known - {(type(value), value) for value in method.values}:
            self._faults.add(f"expected a value of {found.what} that trains, received all of them", *place, "values")
