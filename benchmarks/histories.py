"""Histories as CSV, compared to the bit."""

import csv
import io

Columns = dict[str, list[float]]


def columns(text: str) -> Columns:
    """A history's columns, the epoch among them."""
    rows = list(csv.DictReader(io.StringIO(text)))
    return {name: [float(row[name]) for row in rows] for name in rows[0]}


def same_bits(ours: Columns, stock: Columns) -> bool:
    """Whether two histories have the same columns and the same bits in them; NaN is like NaN."""

    def told(history: Columns) -> dict[str, list[str]]:
        return {name: [value.hex() for value in column] for name, column in history.items()}

    return told(ours) == told(stock)
