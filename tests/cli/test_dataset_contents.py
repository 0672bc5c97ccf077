"""The tables that `stackyard datasets show` prints."""

import pytest

from stackyard.cli.output.dataset_contents import print_contents, print_preview
from stackyard.client import Dataset

COLUMNS = [
    {"name": "x", "type": "float", "missing": 2, "minimum": -1.5, "maximum": 4},
    {"name": "kind", "type": "text", "missing": 0, "categories": ["a", "b"]},
    {"name": "day", "type": "float", "stored_as": "date", "missing": 0, "minimum": 19723, "maximum": 19724.5},
]
STATISTICS = {
    "columns": [
        {"name": "x", "histogram": {"edges": [-1.5, 0, 2, 4], "counts": [8, 0, 1]}},
        {"name": "kind", "distinct": 30, "most_frequent": [{"value": "b", "count": 1200}, {"value": "a", "count": 7}]},
        {"name": "day", "earliest": "2024-01-01", "latest": "2024-01-02T12:00:00"},
    ]
}


@pytest.fixture
def dataset():
    return Dataset(
        id="1",
        name="table",
        version=1,
        media_type="text/csv",
        bytes=10,
        sha256="",
        created_at="2026-12-01T00:00:00Z",
        description={"kind": "table", "columns": COLUMNS},
    )


def list_lines(capsys):
    return [line.rstrip() for line in capsys.readouterr().out.splitlines()]


def test_columns_have_histograms_counts_and_dates(dataset, capsys):
    print_contents(dataset, STATISTICS)
    _, x, kind, day = list_lines(capsys)
    assert x.split() == ["x", "float", "2", "-1.5", "to", "4", "█", "▂"]
    assert kind.endswith("b 1,200, a 7, and 28 more")
    assert day.split() == ["day", "date", "0", "2024-01-01", "to", "2024-01-02T12:00:00"]


def test_columns_without_statistics_have_ranges_and_categories(dataset, capsys):
    print_contents(dataset, {"columns": None, "message": "upload again"})
    _, x, kind, _ = list_lines(capsys)
    assert (x.endswith("-1.5 to 4"), kind.endswith("a, b")) == (True, True)


def test_rows_and_items_are_printed_in_short_form(capsys):
    print_preview({"kind": "table", "columns": ["a", "b"], "rows": [[None, 0.125], ["x", True]]})
    arrays = [{"name": "images", "items": [[*range(9)]]}, {"name": "y", "items": [3]}]
    print_preview({"kind": "arrays", "arrays": arrays})
    table, items = [["a", "b"], ["0.125"], ["x", "True"]], [["images"], ["0", "1", "2", "3", "4", "5", "…"]]
    assert [line.split() for line in list_lines(capsys)] == [*table, *items, ["y"], ["3"]]
