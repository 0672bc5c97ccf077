"""A table's columns, as what is fitted on them asks for them."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

Columns = Callable[[Sequence[str]], Iterator[Any]]
"""Gives these columns of some rows, in this order: frames of all the rows and some of the columns each.

How many columns a frame has changes no bit of what scikit-learn fits on one of them where they come from a file: there
the values of a column lie one behind the other.
"""
