"""Fewer epochs: what must stay, stays, and never more than were asked for."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.history import thinning
from tests.work import lines

NUMBERS = st.floats(width=32) | st.sampled_from([math.nan, math.inf, -math.inf, 0.0, -0.0])


@st.composite
def histories(draw):
    """Columns of one length, and room for at least what must stay."""
    rows, metrics = draw(st.integers(0, 200)), draw(st.integers(0, 4))
    columns = [draw(st.lists(NUMBERS, min_size=rows, max_size=rows)) for _ in range(metrics)]
    return columns, rows, thinning.least(metrics) + draw(st.integers(0, 60))


@given(histories())
def test_what_must_stay_stays_and_never_more_than_asked_for(history):
    columns, rows, most = history
    kept = thinning.thin(columns, rows, most)
    assert kept == sorted(set(kept) & set(range(rows)))
    assert len(kept) <= most
    assert {0, rows - 1} <= set(kept) or rows == 0
    for column in columns:
        finite = [number for number in column if math.isfinite(number)]
        left = [column[place] for place in kept if math.isfinite(column[place])]
        assert (min(left), max(left)) == (min(finite), max(finite)) if finite else not left
        lost = [place for place in range(rows) if not math.isfinite(column[place])]
        assert lost[:1] == [place for place in lost if place in kept][:1]


@given(histories())
def test_a_history_that_fits_stays_whole(history):
    columns, rows, _ = history
    assert thinning.thin(columns, rows, max(rows, thinning.least(len(columns)))) == list(range(rows))


def test_a_spike_of_one_epoch_stays_wherever_it_is():
    smooth = [1 / (epoch + 1) for epoch in range(1000)]
    for spike in range(1, 999, 37):
        column = [*smooth[:spike], 9.0, *smooth[spike + 1 :]]
        assert spike in thinning.thin([column], 1000, 50)


def test_of_ten_thousand_epochs_nearly_as_many_stay_as_were_asked_for():
    assert 400 < len(thinning.thin(waves(10_000), 10_000, 500)) <= 500


def test_ten_times_the_epochs_cost_ten_times_as_much():
    def cost(rows):
        columns = waves(rows)
        return lines(lambda: thinning.thin(columns, rows, rows // 20))

    assert cost(10_000) < 20 * cost(1_000)


def waves(rows):
    return [[math.sin(epoch * metric) for epoch in range(rows)] for metric in (1, 2, 3, 5)]


def test_too_little_room_is_refused():
    with pytest.raises(ValueError, match="expected room for at least 8 rows, received 7"):
        thinning.thin([[1.0], [2.0]], 1, 7)
