"""The type of functions that read a table's columns to fit transforms on."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

ColumnReader = Callable[[Sequence[str]], Iterator[Any]]
"""Reads these columns in this order, as frames that each have all rows and some of the columns.

The number of columns in a frame does not change a bit of what scikit-learn fits on a column read from a file: the
values of a column are contiguous there.
"""
