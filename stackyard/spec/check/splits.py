"""How many rows train, validate and test."""

from dataclasses import dataclass

from stackyard.spec.check.faults import Faults
from stackyard.spec.check.report import Rows
from stackyard.spec.split import Split, SplitMethod, train_rows


@dataclass(frozen=True)
class Known:
    """A number of rows; not `exactly` where rows with missing values will leave first."""

    most: int
    exactly: bool

    @property
    def number(self) -> int | None:
        """The number, where it is known."""
        return self.most if self.exactly else None


def divide(split: Split, rows: Known, faults: Faults, test: int | None = None) -> tuple[Rows, int]:
    """Return the rows of each part, and as many as can train; `test` is the size of a test pair of its own."""
    if rows.most == 0:
        faults.add("expected at least 1 row, received none", "data")
    train, tested = _part(split.test, "test", rows, faults)
    train, validated = _part(split.validation, "validation", train, faults)
    return Rows(train=train.number, validation=validated, test=tested if test is None else test), train.most


def _part(method: SplitMethod | None, name: str, rows: Known, faults: Faults) -> tuple[Known, int | None]:
    if method is None:
        return rows, 0
    train = train_rows(method, rows.most)
    if rows.most and not 0 < train < rows.most:
        left = f"leaves {train} rows to train and {rows.most - train} for {name}"
        fix = "at least 1 on both sides" if rows.most > 1 else "more than 1 row"
        message = f"expected {fix}: of {rows.most} rows, a train_fraction of {method.train_fraction} {left}"
        faults.add(message, "data", "split", name, "train_fraction")
    return Known(train, rows.exactly), rows.most - train if rows.exactly else None
