"""Numbers for people, and tables that do not wrap."""

import pytest

from stackyard.cli.output.tables import shorten_ids
from stackyard.cli.output.units import format_bytes, format_operations


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 B"),
        (999, "999 B"),
        (1000, "1.0 kB"),
        (12_263, "12.3 kB"),
        (999_949, "999.9 kB"),
        (999_951, "1.0 MB"),
        (3 * 10**9, "3.0 GB"),
        (10**22, "10000.0 EB"),
    ],
)
def test_bytes_have_a_unit_that_suits_their_number(size, text):
    assert format_bytes(size) == text


def test_operations_are_flop():
    assert format_operations(432_900) == "432.9 kFLOP"


def test_short_ids_differ_and_are_as_long_as_each_other():
    ids = ["01a22e2a-b3c0-7466-b46d-a9beebd2d319", "01a22e2a-b3c0-7467-b46d-a9beebd2d319"]
    assert shorten_ids(ids) == [text[:18] for text in ids]
    assert shorten_ids(ids[:1]) == ["01a22e2a-b3c0"]
    assert shorten_ids([]) == []
