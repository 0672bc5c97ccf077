"""Bitwise comparison of histories in CSV."""

import csv
import io

Columns = dict[str, list[float]]


def parse_columns(text: str) -> Columns:
    """Return the columns of a history, including the epoch."""
    rows = list(csv.DictReader(io.StringIO(text)))
    return {name: [float(row[name]) for row in rows] for name in rows[0]}


def have_same_bits(ours: Columns, stock: Columns) -> bool:
    """Return whether two histories have the same columns with the same bits; NaN equals NaN."""

    def format_hex(history: Columns) -> dict[str, list[str]]:
        return {name: [value.hex() for value in column] for name, column in history.items()}

    return format_hex(ours) == format_hex(stock)
