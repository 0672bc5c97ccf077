"""Thinning keeps the required epochs and never more than the maximum."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.history import thinning
from tests.line_counting import count_executed_lines

NUMBERS = st.floats(width=32) | st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0])


@st.composite
def build_histories(draw):
    """Columns of one length, their number of rows, and a maximum that the required rows fit into."""
    rows, metrics = draw(st.integers(0, 200)), draw(st.integers(0, 4))
    columns = [draw(st.lists(NUMBERS, min_size=rows, max_size=rows)) for _ in range(metrics)]
    return columns, rows, thinning.compute_min_rows(metrics) + draw(st.integers(0, 60))


@given(build_histories())
def test_the_required_rows_stay_and_never_more_than_the_maximum(history):
    columns, row_count, max_rows = history
    indices = thinning.choose_row_indices(columns, row_count, max_rows)
    assert indices == sorted(set(indices) & set(range(row_count)))
    assert len(indices) <= max_rows
    assert {0, row_count - 1} <= set(indices) or row_count == 0
    for column in columns:
        finite = [number for number in column if math.isfinite(number)]
        chosen = [column[index] for index in indices if math.isfinite(column[index])]
        assert (min(chosen), max(chosen)) == (min(finite), max(finite)) if finite else not chosen
        nonfinite = [index for index in range(row_count) if not math.isfinite(column[index])]
        assert nonfinite[:1] == [index for index in nonfinite if index in indices][:1]


@given(build_histories())
def test_a_history_that_fits_stays_whole(history):
    columns, row_count, _ = history
    max_rows = max(row_count, thinning.compute_min_rows(len(columns)))
    assert thinning.choose_row_indices(columns, row_count, max_rows) == list(range(row_count))


def test_a_spike_of_one_epoch_stays_at_any_epoch():
    smooth = [1 / (epoch + 1) for epoch in range(1000)]
    for spike in range(1, 999, 37):
        column = [*smooth[:spike], 9.0, *smooth[spike + 1 :]]
        assert spike in thinning.choose_row_indices([column], 1000, 50)


def test_nearly_the_maximum_of_ten_thousand_epochs_stays():
    assert 400 < len(thinning.choose_row_indices(build_waves(10_000), 10_000, 500)) <= 500


def test_the_cost_is_linear_in_the_number_of_epochs():
    def count_lines(rows):
        columns = build_waves(rows)
        return count_executed_lines(lambda: thinning.choose_row_indices(columns, rows, rows // 20))

    assert count_lines(10_000) < 20 * count_lines(1_000)


def build_waves(rows):
    return [[math.sin(epoch * metric) for epoch in range(rows)] for metric in (1, 2, 3, 5)]


def test_a_maximum_below_the_required_rows_is_refused():
    with pytest.raises(ValueError, match="expected room for at least 8 rows, received 7"):
        thinning.choose_row_indices([[1.0], [2.0]], 1, 7)
