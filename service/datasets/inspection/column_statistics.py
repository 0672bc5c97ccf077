"""Statistics of a table's columns, collected block by block in bounded memory."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from service.datasets.inspection import value_summary
from service.datasets.inspection.column_order import ColumnOrder
from service.datasets.inspection.invalid_file import InvalidFileError, quote_text
from service.datasets.inspection.value_sample import ColumnSample
from stackyard.spec.data.description import MAX_CATEGORIES, MAX_EXACT_FLOAT, TimeKind

_arrow: Any = pa  # pyarrow has no type annotations
_compute: Any = pc

_pandas: Any = pd  # partly untyped

ColumnType = Literal["integer", "float", "boolean", "text"]

_MAX_MISSING_WORDS = 5
_MAX_CATEGORY_BYTES = 512 * 1024
"""Maximum size in bytes of the JSON of all categories of a table together."""


class ColumnStatistics:
    """Statistics of the blocks of a column so far.

    If `has_mixed_types` is true, blocks have types that only text has in common. Then the statistics are invalid, and
    the column must be read again as text.

    Args:
        name: of the column.
        stored_as: what the file has, if the values are numbers of days.
        unnamed: whether the file has no name for the column.
        sample: collects values for `to_statistics`; None if only the description is needed.

    """

    def __init__(
        self,
        name: str,
        *,
        stored_as: TimeKind | None = None,
        unnamed: bool = False,
        sample: ColumnSample | None = None,
    ) -> None:
        self.name = name
        self._sample = sample
        self.stored_as: TimeKind | None = stored_as
        self._unnamed = unnamed
        self._missing_words: dict[str, None] = {}
        self.has_mixed_types = False
        self.is_categorical = True
        """Whether the distinct values are still few enough to be listed as categories."""
        self._kind: ColumnType | None = None
        self._missing = 0
        self._text_bytes = 0
        self._categories: Counter[Any] = Counter()
        """The number of rows of each category."""
        self._minimum: float | None = None
        self._maximum: float | None = None
        self._order = ColumnOrder()

    def add_block(self, kind: ColumnType, missing: int, present: "np.ndarray[Any, Any]", text_bytes: int = 0) -> None:
        """Add the next block of the column.

        Args:
            kind: type of the block's values.
            missing: number of rows of the block without a value.
            present: the values of the other rows; if the column is no longer categorical, one of them is sufficient.
            text_bytes: size of the texts of all rows.

        """
        self._missing += missing
        self._text_bytes += text_bytes
        if len(present) == 0:
            return
        self._kind = self._merge_kind(kind)
        if kind in ("integer", "float"):
            self._update_range(float(present.min()), float(present.max()))
            if self._sample is not None:
                self._sample.numbers.add_block(present)
        self._update_categories(kind, present)
        self._order.add_block(present, is_complete=kind != "text" or self.is_categorical)

    def sample_texts(self, values: Any) -> None:
        """Add the texts of the next block, an Arrow array or an array of pandas, to the sample."""
        if self._sample is not None:
            self._sample.texts.add_block(values)

    @property
    def has_no_values(self) -> bool:
        """Whether all blocks so far lack values."""
        return self._kind is None

    @property
    def lists_missing_words(self) -> bool:
        """Whether the column may have a description with words that are read as missing values, and lacks some."""
        return self._kind == "text" and self.is_categorical and len(self._missing_words) < _MAX_MISSING_WORDS

    def add_missing_words(self, words: Sequence[str]) -> None:
        """Add the texts of missing values; an empty one is no word."""
        for word in words:
            if word and len(self._missing_words) < _MAX_MISSING_WORDS:
                self._missing_words[word] = None

    def _merge_kind(self, kind: ColumnType) -> ColumnType:
        if self._kind is None or self._kind == kind:
            return kind
        if {self._kind, kind} == {"integer", "float"}:
            return "float"
        self.has_mixed_types = True
        return "text"

    def _update_range(self, low: float, high: float) -> None:
        self._minimum = low if self._minimum is None else min(self._minimum, low)
        self._maximum = high if self._maximum is None else max(self._maximum, high)

    def _update_categories(self, kind: ColumnType, present: "np.ndarray[Any, Any]") -> None:
        self.is_categorical = self.is_categorical and (kind != "float" or _are_whole_numbers(present))
        if self.is_categorical:
            indices, distinct = _pandas.factorize(present)
            # Check the block alone first: a block with too many distinct values need not enter the counter.
            self.is_categorical = len(distinct) <= MAX_CATEGORIES
            if self.is_categorical:
                counts = np.bincount(indices, minlength=len(distinct))
                values = map(int, distinct) if kind == "float" else distinct.tolist()
                self._categories.update(dict(zip(values, counts.tolist(), strict=True)))
                self.is_categorical = len(self._categories) <= MAX_CATEGORIES
        if not self.is_categorical:
            self._categories.clear()

    @property
    def _has_rounded_categories(self) -> bool:
        """Whether integers among floats are too large for float64."""
        return self._kind == "float" and any(abs(value) >= MAX_EXACT_FLOAT for value in self._categories)

    @property
    def _has_categories(self) -> bool:
        return self.is_categorical and self._kind is not None and not self._has_rounded_categories

    def to_description(self) -> dict[str, Any]:
        """Return a `stackyard.spec` ColumnDescription as JSON. A column without values is of floats, as in pandas."""
        is_numeric = self._kind in ("integer", "float")
        return {
            "name": self.name,
            "type": self._kind or "float",
            "missing": self._missing,
            "categories": sorted(self._categories) if self._has_categories else None,
            **describe_rarest_category(self._categories if self._has_categories else {}),
            "minimum": self._minimum if is_numeric else None,
            "maximum": self._maximum if is_numeric else None,
        } | self._describe_source()

    def to_statistics(self, rows: int) -> dict[str, Any]:
        """Return a `service.datasets.dataset_statistics` ValueStatistics as JSON.

        Args:
            rows: number of rows of the table.

        """
        statistics = {"name": self.name, "count": rows - self._missing, "missing": self._missing}
        if self._kind is None:
            return statistics
        return statistics | self._summarize_values() | self._format_time_range()

    def _summarize_values(self) -> dict[str, Any]:
        if self._has_categories:
            return value_summary.summarize_counts(self._categories)
        if self._sample is None:
            return {}
        if self._kind == "text":
            texts = self._sample.texts.list_texts()
            sampled = None if self._sample.texts.is_complete else len(texts)
            return {"sampled": sampled} | value_summary.summarize_texts(texts)
        numbers = self._sample.numbers
        sampled = None if numbers.is_complete else len(numbers.values)
        return {"sampled": sampled} | value_summary.summarize_numbers(
            numbers.values, self._minimum or 0.0, self._maximum or 0.0, are_integers=self._kind == "integer"
        )

    def _format_time_range(self) -> dict[str, Any]:
        if self.stored_as is None or self._minimum is None or self._maximum is None:
            return {}
        return {
            "earliest": value_summary.format_days(self._minimum, self.stored_as),
            "latest": value_summary.format_days(self._maximum, self.stored_as),
        }

    def _describe_source(self) -> dict[str, Any]:
        """Return the fields that only some columns have."""
        source: dict[str, Any] = {}
        if self._kind == "text":
            source["text_bytes"] = self._text_bytes
        if self.stored_as is not None:
            source["stored_as"] = self.stored_as
        if self._missing_words and self._kind == "text":
            source["missing_words"] = [*self._missing_words]
        if self._unnamed:
            source["unnamed"] = True
        if self._order.is_sorted and not self.has_mixed_types:
            source["is_sorted"] = True
        return source


def measure_texts(values: Any) -> int:
    """Return the size in bytes, as UTF-8, of the texts of a column: an Arrow array, or a Series; nulls count 0."""
    array = values if isinstance(values, _arrow.Array) else _arrow.array(values, _arrow.large_string())
    return _compute.sum(_compute.binary_length(array)).as_py() or 0


def describe_rarest_category(counts: Mapping[Any, int]) -> dict[str, Any]:
    """Return the fields of a description for the category with the fewest rows; of several, the smallest one."""
    if not counts:
        return {"rarest_category": None, "rarest_rows": None}
    rows = min(counts.values())
    category = min(value for value, count in counts.items() if count == rows)
    return {"rarest_category": category, "rarest_rows": rows}


def build_table_description(
    rows: int, columns: Sequence[ColumnStatistics], missing_rows: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """Return a `stackyard.spec` TableDescription as JSON, of bounded size.

    If all categories together are too long, the longest lists are left out first, and those of floats before others.
    The list of a label column is short compared with those of a thousand pixel columns.

    Args:
        rows: number of rows.
        columns: statistics of the columns, in the order of the file.
        missing_rows: the number of rows by the columns that lack a value there; None if it is not known.

    Raises:
        InvalidFileError: there are no rows.

    """
    if rows == 0:
        raise InvalidFileError("The table has a header and no rows; at least one is needed.")
    descriptions = [column.to_description() for column in columns]
    sizes = [len(json.dumps(description["categories"])) for description in descriptions]
    total = sum(sizes)
    by_size = sorted(
        zip(sizes, descriptions, strict=True), key=lambda pair: (pair[1]["type"] == "float", pair[0]), reverse=True
    )
    for size, description in by_size:
        if total <= _MAX_CATEGORY_BYTES:
            break
        description |= {"categories": None, "rarest_category": None, "rarest_rows": None}
        total -= size
    table = {"kind": "table", "rows": rows, "columns": descriptions}
    return table | {"missing_rows": dict(missing_rows)} if missing_rows else table


def _are_whole_numbers(values: "np.ndarray[Any, Any]") -> bool:
    """Return whether all floats are integers that float64 represents exactly."""
    head = values[:MAX_CATEGORIES]  # most columns of fractions have one here
    if (head != np.trunc(head)).any():
        return False
    return bool((values == np.trunc(values)).all() and (np.abs(values) < MAX_EXACT_FLOAT).all())


def check_finite(values: "np.ndarray[Any, Any]", column: str, positions: Sequence[int], unit: str) -> None:
    """Reject infinite values: no network can learn from them, and JSON cannot represent them.

    Args:
        values: floats of one block of the column, NaN where a value is missing; shape (rows,).
        column: name of the column.
        positions: number of each row in the file, for the message.
        unit: what `positions` count (`line`).

    Raises:
        InvalidFileError: a value is infinite.

    """
    infinite = np.flatnonzero(np.isinf(values))
    if infinite.size:
        position = positions[int(infinite[0])]
        raise InvalidFileError(
            f"Column {quote_text(column)} has an infinite value, or one too large for a 64-bit float, "
            f"in {unit} {position:,}; leave the field empty if the value is missing.",
        )
