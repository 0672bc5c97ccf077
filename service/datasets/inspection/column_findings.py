"""What is known of a table's columns, gathered block by block in bounded memory."""

import json
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd

from service.datasets.inspection.invalid_file import Refused, quote
from stackyard.spec.data.description import MAX_CATEGORIES

Kind = Literal["integer", "float", "boolean", "text"]

_MOST_LISTED = 512 * 1024
"""Bytes of JSON that all the categories of a table may have together."""


class ColumnFindings:
    """One column so far.

    `mixed` says that blocks disagreed about its type in a way that only text settles; what was gathered until then
    is of no use, and the column has to be read again as text.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.mixed = False
        self.listing = True
        """Whether the distinct values are few enough, so far, to be listed."""
        self._kind: Kind | None = None
        self._missing = 0
        self._categories: set[Any] = set()
        self._minimum: float | None = None
        self._maximum: float | None = None

    def see(self, kind: Kind, missing: int, present: "np.ndarray[Any, Any]") -> None:
        """Take in the next block of the column.

        Args:
            kind: what the values of this block are.
            missing: how many rows of the block have no value.
            present: the values that there are; of text, the distinct ones are enough.

        """
        self._missing += missing
        if len(present) == 0:
            return
        self._kind = self._joined(kind)
        if kind in ("integer", "float"):
            self._widen(float(present.min()), float(present.max()))
        self._list(kind, present)

    def _joined(self, kind: Kind) -> Kind:
        if self._kind is None or self._kind == kind:
            return kind
        if {self._kind, kind} == {"integer", "float"}:
            return "float"
        self.mixed = True
        return "text"

    def _widen(self, low: float, high: float) -> None:
        self._minimum = low if self._minimum is None else min(self._minimum, low)
        self._maximum = high if self._maximum is None else max(self._maximum, high)

    def _list(self, kind: Kind, present: "np.ndarray[Any, Any]") -> None:
        self.listing = self.listing and kind != "float"
        if self.listing:
            distinct = pd.unique(present)
            # So many new ones in one block are too many without being put into the set.
            self.listing = len(distinct) <= MAX_CATEGORIES
            if self.listing:
                self._categories.update(distinct.tolist())
                self.listing = len(self._categories) <= MAX_CATEGORIES
        if not self.listing:
            self._categories.clear()

    def described(self) -> dict[str, Any]:
        """A `stackyard.spec` ColumnDescription, as JSON; a column with no value at all is of floats, as in pandas."""
        numbers = self._kind in ("integer", "float")
        listed = self.listing and self._kind in ("integer", "boolean", "text")
        return {
            "name": self.name,
            "type": self._kind or "float",
            "missing": self._missing,
            "categories": sorted(self._categories) if listed else None,
            "minimum": self._minimum if numbers else None,
            "maximum": self._maximum if numbers else None,
        }


def describe_table(rows: int, columns: Sequence[ColumnFindings]) -> dict[str, Any]:
    """A `stackyard.spec` TableDescription, as JSON, of bounded size.

    Where the lists of categories are long in sum, the longest go first: a label's list is short beside those of a
    thousand columns of pixels.

    Raises:
        Refused: there are no rows.

    """
    if rows == 0:
        raise Refused("The table has a header and no rows; at least one is needed.")
    described = [column.described() for column in columns]
    sizes = [len(json.dumps(column["categories"])) for column in described]
    total = sum(sizes)
    for size, column in sorted(zip(sizes, described, strict=True), key=lambda pair: pair[0], reverse=True):
        if total <= _MOST_LISTED:
            break
        column["categories"] = None
        total -= size
    return {"kind": "table", "rows": rows, "columns": described}


def check_finite(values: "np.ndarray[Any, Any]", column: str, where: Sequence[int], unit: str) -> None:
    """Refuse an infinite value: no network can learn from it, and JSON has no word for it.

    Args:
        values: floats of one block of the column, NaN where there is none; shape (rows,).
        column: its name.
        where: each row's number, as a person would look for it.
        unit: what these numbers count (`line`).

    Raises:
        Refused: one of `values` is infinite.

    """
    infinite = np.flatnonzero(np.isinf(values))
    if infinite.size:
        place = where[int(infinite[0])]
        raise Refused(
            f"Column {quote(column)} has an infinite value, or one too large for a 64-bit float, in {unit} {place:,}; "
            "leave the field empty where the value is missing.",
        )
