"""The columns or arrays of a dataset with their statistics, and its first rows, as tables."""

import sys
from collections.abc import Sequence
from typing import Any, cast

from stackyard.cli.output.tables import print_table
from stackyard.client import Dataset
from stackyard.client.views import Json

_BARS = "▁▂▃▄▅▆▇█"
_MAX_LISTED_VALUES = 8
_MAX_ITEM_VALUES = 6


def print_contents(dataset: Dataset, statistics: Json) -> None:
    """Print a line for each column of a table, or for each array.

    Args:
        dataset: the dataset, with its description.
        statistics: the answer of `Client.dataset_statistics`; without lists, the lines have less to tell.

    """
    described: list[Json] = statistics.get("columns") or statistics.get("arrays") or []
    by_name = {item["name"]: item for item in described}
    if columns := dataset.description.get("columns"):
        rows = [_list_column_cells(column, by_name.get(column["name"], {})) for column in columns]
        print_table(["column", "type", "missing", "values"], rows)
    elif arrays := dataset.description.get("arrays"):
        print_table(
            ["array", "type", "shape", "values"],
            [_list_array_cells(array, by_name.get(array["name"], {})) for array in arrays],
        )


def print_preview(preview: Json) -> None:
    """Print the first rows of a table, or the first items of each array, from `Client.preview_dataset`."""
    if preview.get("kind") == "table":
        print_table(preview["columns"], [[_format_cell(value) for value in row] for row in preview["rows"]])
        return
    for array in preview.get("arrays", []):
        items: list[Any] = array["items"] or []
        print_table([array["name"]], [[_format_item(item)] for item in items])


def _list_column_cells(column: Json, statistics: Json) -> list[str]:
    kind = column.get("stored_as") or column["type"]
    return [column["name"], kind, f"{column.get('missing', 0):,}", _describe_values(column, statistics)]


def _list_array_cells(array: Json, statistics: Json) -> list[str]:
    shape = " x ".join(map(str, array["shape"]))
    return [array["name"], array["type"], shape, _describe_values(array, statistics)]


def _describe_values(described: Json, statistics: Json) -> str:
    """Return the range and the histogram of numbers, or the most frequent of other values."""
    bars = _draw_histogram(statistics.get("histogram"))
    if statistics.get("earliest"):
        return f"{statistics['earliest']} to {statistics['latest']}  {bars}".rstrip()
    frequent: list[Json] = statistics.get("most_frequent") or []
    if frequent and not statistics.get("histogram"):
        return _list_counts(frequent, statistics.get("distinct"))
    if described.get("minimum") is not None:
        return f"{described['minimum']:g} to {described['maximum']:g}  {bars}".rstrip()
    categories: list[Any] = described.get("categories") or []
    return ", ".join(map(str, categories))


def _list_counts(frequent: Sequence[Json], distinct: int | None) -> str:
    shown = [f"{item['value']} {item['count']:,}" for item in frequent[:_MAX_LISTED_VALUES]]
    others = 0 if distinct is None else distinct - len(shown)
    return ", ".join([*shown, *([f"and {others:,} more"] if others else [])])


def _draw_histogram(histogram: Json | None) -> str:
    """Return a character for each bin, as high as its count; nothing where the output cannot show it."""
    if histogram is None or "utf" not in (sys.stdout.encoding or "").lower():
        return ""
    counts = histogram["counts"]
    highest = max(counts)
    # A bin with few values still differs from an empty one.
    return "".join(_BARS[round(count * (len(_BARS) - 1) / highest)] if count else " " for count in counts)


def _format_cell(value: object) -> str:
    if value is None:
        return ""
    return f"{value:g}" if isinstance(value, float) else str(value)


def _format_item(item: Any) -> str:
    values = cast("list[Any]", item) if isinstance(item, list) else [item]
    shown = [_format_cell(value) for value in values[:_MAX_ITEM_VALUES]]
    return " ".join([*shown, *(["…"] if len(values) > _MAX_ITEM_VALUES else [])])
