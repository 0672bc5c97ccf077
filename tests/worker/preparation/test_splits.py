"""Splits, compared with pandas and scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sklearn.model_selection import GroupShuffleSplit, train_test_split

from stackyard.spec import ColumnSplit, GroupSplit, LastSplit, RandomSplit, Split, TrainTestSplit
from worker.preparation import PreparationError
from worker.preparation.splits import apply_split_method, split_rows


def read_no_column(name):
    """Fail if a split reads a column."""
    raise AssertionError(name)


@given(st.integers(2, 300), st.floats(0.01, 0.99), st.integers(0, 2**32 - 1))
@hypothesis_settings(max_examples=60, deadline=None)
def test_random_split_equals_pandas_sample(rows, fraction, seed):
    frame = pd.DataFrame({"row": range(rows)})
    expected = frame.sample(frac=fraction, random_state=seed)
    train, rest = apply_split_method(RandomSplit(train_fraction=fraction, seed=seed), rows, 7, read_no_column)
    assert train.tolist() == expected["row"].tolist()
    assert rest.tolist() == frame.drop(expected.index)["row"].tolist()


@given(st.integers(4, 300), st.floats(0.3, 0.7), st.integers(0, 2**32 - 1), st.booleans())
@hypothesis_settings(max_examples=60, deadline=None)
def test_train_test_split_equals_scikit_learns(rows, fraction, seed, shuffle):
    method = TrainTestSplit(train_fraction=fraction, seed=seed, shuffle=shuffle)
    expected = train_test_split(
        range(rows), train_size=fraction, random_state=seed if shuffle else None, shuffle=shuffle
    )
    assert [subset.tolist() for subset in apply_split_method(method, rows, 7, read_no_column)] == expected


def test_last_split_keeps_the_order():
    train, rest = apply_split_method(LastSplit(train_fraction=0.75), 10, 0, read_no_column)
    assert (train.tolist(), rest.tolist()) == ([*range(7)], [7, 8, 9])


def test_a_split_without_a_seed_uses_the_seed_of_the_training():
    without_seed, with_seed = RandomSplit(train_fraction=0.5), RandomSplit(train_fraction=0.5, seed=3)
    assert (
        apply_split_method(without_seed, 50, 3, read_no_column)[0].tolist()
        == apply_split_method(with_seed, 50, 9, read_no_column)[0].tolist()
    )
    assert (
        apply_split_method(without_seed, 50, 4, read_no_column)[0].tolist()
        != apply_split_method(with_seed, 50, 9, read_no_column)[0].tolist()
    )


def test_the_test_rows_are_held_out_first():
    split = Split(test=TrainTestSplit(train_fraction=0.8, seed=0), validation=RandomSplit(train_fraction=0.7))
    frame = pd.DataFrame({"row": range(100)})
    remaining, test = train_test_split(frame, train_size=0.8, random_state=0)
    train = remaining.sample(frac=0.7, random_state=5)
    indices = split_rows(split, 100, 5, read_no_column)
    assert indices.test.tolist() == test["row"].tolist()
    assert indices.train.tolist() == train["row"].tolist()
    assert indices.validation.tolist() == remaining.drop(train.index)["row"].tolist()


@given(st.integers(4, 300), st.floats(0.3, 0.7), st.integers(0, 2**32 - 1))
@hypothesis_settings(max_examples=60, deadline=None)
def test_stratified_split_equals_scikit_learns(rows, fraction, seed):
    classes = [row % 2 == 0 for row in range(rows)]
    method = TrainTestSplit(train_fraction=fraction, seed=seed, stratify="class")
    try:
        expected = train_test_split(range(rows), train_size=fraction, random_state=seed, stratify=classes)
    except ValueError:
        with pytest.raises(PreparationError, match="stratified by “class”"):
            apply_split_method(method, rows, 7, {"class": classes}.__getitem__)
        return
    positions = apply_split_method(method, rows, 7, {"class": classes}.__getitem__)
    assert [subset.tolist() for subset in positions] == expected


@given(st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=200), st.floats(0.2, 0.8), st.integers(0, 99))
@hypothesis_settings(max_examples=60, deadline=None)
def test_group_split_equals_scikit_learns(groups, fraction, seed):
    method = GroupSplit(column="artist", train_fraction=fraction, seed=seed)
    splitter = GroupShuffleSplit(n_splits=1, train_size=fraction, random_state=seed)
    try:
        expected = next(splitter.split(groups, groups=groups))
    except ValueError:
        with pytest.raises(PreparationError, match="no group"):
            apply_split_method(method, len(groups), 7, {"artist": pd.Series(groups)}.__getitem__)
        return
    positions = apply_split_method(method, len(groups), 7, {"artist": pd.Series(groups)}.__getitem__)
    assert [subset.tolist() for subset in positions] == [subset.tolist() for subset in expected]
    assert {groups[row] for row in positions[0]}.isdisjoint(groups[row] for row in positions[1])


@pytest.mark.parametrize(
    ("values", "test_values", "rest"),
    [
        (["train", "test", "more", "test"], ("test",), [1, 3]),
        ([0, 1, 2, 1], (1, 2), [1, 2, 3]),
        ([True, False, True, False], (True,), [0, 2]),
    ],
)
def test_column_split(values, test_values, rest):
    method = ColumnSplit(column="set", values=test_values)
    positions = apply_split_method(method, 4, 7, {"set": pd.Series(values)}.__getitem__)
    assert [subset.tolist() for subset in positions] == [[row for row in range(4) if row not in rest], rest]


def test_the_second_split_uses_the_remaining_rows():
    split = Split(
        test=ColumnSplit(column="set", values=("test",)),
        validation=GroupSplit(column="artist", train_fraction=0.5, seed=3),
    )
    columns = {
        "set": pd.Series(["train", "test"] * 10),
        "artist": pd.Series([f"artist {row // 4}" for row in range(20)]),
    }
    indices = split_rows(split, 20, 0, columns.__getitem__)
    remaining = np.arange(0, 20, 2)
    splitter = GroupShuffleSplit(n_splits=1, train_size=0.5, random_state=3)
    train, validation = next(splitter.split(remaining, groups=columns["artist"].iloc[remaining]))
    assert indices.test.tolist() == [*range(1, 20, 2)]
    assert (indices.train.tolist(), indices.validation.tolist()) == (
        remaining[train].tolist(),
        remaining[validation].tolist(),
    )


@pytest.mark.parametrize(
    "method",
    [
        RandomSplit(train_fraction=0.01),
        RandomSplit(train_fraction=0.99),
        TrainTestSplit(train_fraction=0.01),
        LastSplit(train_fraction=0.01),
    ],
)
def test_an_empty_subset_is_an_error(method):
    with pytest.raises(PreparationError, match="leaves none for"):
        split_rows(Split(validation=method), 5, 0, read_no_column)
