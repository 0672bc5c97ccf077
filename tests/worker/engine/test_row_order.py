"""The order in which epochs take their rows."""

import keras
import numpy as np
import pytest

from tests.worker.engine.parts import SCORES, numbers, spec
from tests.worker.stock import trained
from worker.engine.row_order import orders, permutation

SEEDS = [0, 1, 2**31 - 1, 2**31, 2**32 - 1]


class Recording(keras.Model):
    """Takes note of the rows that each step is given."""

    def __init__(self):
        super().__init__()
        self.seen = []

    def train_step(self, data):
        self.seen.append(data.numpy().tolist())
        return {"loss": keras.ops.zeros(())}  # which `fit` wants something of


def rows_of_keras(seed, rows, epochs):
    """Which rows stock `fit(shuffle=True)` takes in each epoch."""
    keras.utils.set_random_seed(seed)
    network = Recording()
    network.compile(run_eagerly=True)
    network.fit(np.arange(rows), batch_size=16, epochs=epochs, shuffle=True, verbose=0)
    seen = np.concatenate(network.seen)
    return seen.reshape(epochs, rows).tolist()


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("rows", [7, 100])
def test_the_order_of_keras_is_that_of_fit_in_every_epoch(seed, rows):
    order = orders("keras", seed, rows)
    assert [order(epoch).tolist() for epoch in range(3)] == rows_of_keras(seed, rows, 3)


@pytest.mark.parametrize("seed", SEEDS)
def test_an_order_of_its_own_is_what_the_spec_says(seed):
    order = orders(True, seed, 50)  # noqa: FBT003 as the spec has it
    for epoch in range(3):
        expected = np.random.RandomState([seed, epoch]).permutation(50)
        assert order(epoch).tolist() == expected.tolist() == permutation(seed, epoch, 50).tolist()
    assert len({tuple(order(epoch)) for epoch in range(5)}) == 5


def test_no_order_is_the_rows_as_they_come():
    assert orders(False, 3, 5)(2).tolist() == [0, 1, 2, 3, 4]  # noqa: FBT003 as the spec has it


def test_each_way_to_shuffle_trains_otherwise():
    losses = [trained(spec(SCORES, shuffle=how), numbers())[1].columns()["loss"] for how in (True, False, "keras")]
    assert len({loss[-1] for loss in losses}) == 3
