"""Which rows train, held against pandas and scikit-learn."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from sklearn.model_selection import GroupShuffleSplit, train_test_split

from stackyard.spec import ColumnSplit, GroupSplit, LastSplit, RandomSplit, Split, TrainTestSplit
from worker.preparation import PreparationError
from worker.preparation.splits import divide, split_rows


def nothing(name):
    """Stands for columns where no split may ask for one."""
    raise AssertionError(name)


@given(st.integers(2, 300), st.floats(0.01, 0.99), st.integers(0, 2**32 - 1))
@hypothesis_settings(max_examples=60, deadline=None)
def test_random_is_pandas_sample(rows, fraction, seed):
    frame = pd.DataFrame({"row": range(rows)})
    expected = frame.sample(frac=fraction, random_state=seed)
    train, others = divide(RandomSplit(train_fraction=fraction, seed=seed), rows, 7, nothing)
    assert train.tolist() == expected["row"].tolist()
    assert others.tolist() == frame.drop(expected.index)["row"].tolist()


@given(st.integers(4, 300), st.floats(0.3, 0.7), st.integers(0, 2**32 - 1), st.booleans())
@hypothesis_settings(max_examples=60, deadline=None)
def test_train_test_split_is_scikit_learns(rows, fraction, seed, shuffle):
    method = TrainTestSplit(train_fraction=fraction, seed=seed, shuffle=shuffle)
    expected = train_test_split(
        range(rows), train_size=fraction, random_state=seed if shuffle else None, shuffle=shuffle
    )
    assert [part.tolist() for part in divide(method, rows, 7, nothing)] == expected


def test_last_keeps_the_order():
    train, others = divide(LastSplit(train_fraction=0.75), 10, 0, nothing)
    assert (train.tolist(), others.tolist()) == ([*range(7)], [7, 8, 9])


def test_a_split_without_a_seed_uses_the_trainings():
    unsaid, said = RandomSplit(train_fraction=0.5), RandomSplit(train_fraction=0.5, seed=3)
    assert divide(unsaid, 50, 3, nothing)[0].tolist() == divide(said, 50, 9, nothing)[0].tolist()
    assert divide(unsaid, 50, 4, nothing)[0].tolist() != divide(said, 50, 9, nothing)[0].tolist()


def test_the_test_rows_are_set_aside_first():
    split = Split(test=TrainTestSplit(train_fraction=0.8, seed=0), validation=RandomSplit(train_fraction=0.7))
    frame = pd.DataFrame({"row": range(100)})
    rest, test = train_test_split(frame, train_size=0.8, random_state=0)
    train = rest.sample(frac=0.7, random_state=5)
    parts = split_rows(split, 100, 5, nothing)
    assert parts.test.tolist() == test["row"].tolist()
    assert parts.train.tolist() == train["row"].tolist()
    assert parts.validation.tolist() == rest.drop(train.index)["row"].tolist()


@given(st.integers(4, 300), st.floats(0.3, 0.7), st.integers(0, 2**32 - 1))
@hypothesis_settings(max_examples=60, deadline=None)
def test_stratified_is_scikit_learns(rows, fraction, seed):
    classes = [row % 2 == 0 for row in range(rows)]
    method = TrainTestSplit(train_fraction=fraction, seed=seed, stratify="class")
    try:
        expected = train_test_split(range(rows), train_size=fraction, random_state=seed, stratify=classes)
    except ValueError:
        with pytest.raises(PreparationError, match="stratified by “class”"):
            divide(method, rows, 7, {"class": classes}.__getitem__)
        return
    made = divide(method, rows, 7, {"class": classes}.__getitem__)
    assert [part.tolist() for part in made] == expected


@given(st.lists(st.sampled_from("abcdefgh"), min_size=2, max_size=200), st.floats(0.2, 0.8), st.integers(0, 99))
@hypothesis_settings(max_examples=60, deadline=None)
def test_groups_are_scikit_learns(groups, fraction, seed):
    method = GroupSplit(column="artist", train_fraction=fraction, seed=seed)
    splitter = GroupShuffleSplit(n_splits=1, train_size=fraction, random_state=seed)
    try:
        expected = next(splitter.split(groups, groups=groups))
    except ValueError:
        with pytest.raises(PreparationError, match="no group"):
            divide(method, len(groups), 7, {"artist": pd.Series(groups)}.__getitem__)
        return
    made = divide(method, len(groups), 7, {"artist": pd.Series(groups)}.__getitem__)
    assert [part.tolist() for part in made] == [part.tolist() for part in expected]
    assert {groups[row] for row in made[0]}.isdisjoint(groups[row] for row in made[1])


@pytest.mark.parametrize(
    ("values", "wanted", "others"),
    [
        (["train", "test", "more", "test"], ("test",), [1, 3]),
        ([0, 1, 2, 1], (1, 2), [1, 2, 3]),
        ([True, False, True, False], (True,), [0, 2]),
    ],
)
def test_a_column_says_which(values, wanted, others):
    method = ColumnSplit(column="set", values=wanted)
    made = divide(method, 4, 7, {"set": pd.Series(values)}.__getitem__)
    assert [part.tolist() for part in made] == [[row for row in range(4) if row not in others], others]


def test_the_second_split_sees_the_rows_that_the_first_left():
    split = Split(
        test=ColumnSplit(column="set", values=("test",)),
        validation=GroupSplit(column="artist", train_fraction=0.5, seed=3),
    )
    columns = {
        "set": pd.Series(["train", "test"] * 10),
        "artist": pd.Series([f"artist {row // 4}" for row in range(20)]),
    }
    parts = split_rows(split, 20, 0, columns.__getitem__)
    left = np.arange(0, 20, 2)
    splitter = GroupShuffleSplit(n_splits=1, train_size=0.5, random_state=3)
    train, validation = next(splitter.split(left, groups=columns["artist"].iloc[left]))
    assert parts.test.tolist() == [*range(1, 20, 2)]
    assert (parts.train.tolist(), parts.validation.tolist()) == (left[train].tolist(), left[validation].tolist())


@pytest.mark.parametrize(
    "method",
    [
        RandomSplit(train_fraction=0.01),
        RandomSplit(train_fraction=0.99),
        TrainTestSplit(train_fraction=0.01),
        LastSplit(train_fraction=0.01),
    ],
)
def test_a_part_without_rows_is_refused(method):
    with pytest.raises(PreparationError, match="leaves none for"):
        split_rows(Split(validation=method), 5, 0, nothing)
