"""The order of the rows in each epoch."""

import keras
import numpy as np
import pytest

from tests.worker.backends import is_jax
from tests.worker.engine.sample_jobs import SCORE_LAYERS, build_spec, draw_numbers
from tests.worker.keras_reference import train_with_engine
from worker.engine.row_order import build_row_order, draw_permutation

SEEDS = [0, 1, 2**31 - 1, 2**31, 2**32 - 1]


class Recording(keras.Sequential):
    """Records the rows of each step."""

    def train_step(self, *arguments):
        """Record the last argument. On JAX, the first one is the state, which a step returns."""
        x, _ = arguments[-1]
        self.batches.append(np.ravel(x).tolist())
        logs = {"loss": keras.ops.zeros(())}  # `fit` needs a loss
        return (logs, arguments[0]) if is_jax else logs


def record_keras_order(seed, rows, epochs):
    """Return the rows that stock `fit(shuffle=True)` uses in each epoch."""
    keras.utils.set_random_seed(seed)
    network = Recording([keras.Input((1,)), keras.layers.Dense(1)])
    network.batches = []
    network.compile(loss="mse", run_eagerly=True)
    row_numbers = np.arange(rows, dtype="float32")[:, None]
    network.fit(row_numbers, row_numbers, batch_size=16, epochs=epochs, shuffle=True, verbose=0)
    return np.concatenate(network.batches).astype(int).reshape(epochs, rows).tolist()


@pytest.mark.jax
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("rows", [7, 100])
def test_the_keras_order_equals_that_of_fit_in_every_epoch(seed, rows):
    order = build_row_order("keras", seed, rows)
    assert [order(epoch).tolist() for epoch in range(3)] == record_keras_order(seed, rows, 3)


@pytest.mark.parametrize("seed", SEEDS)
def test_shuffling_draws_another_order_in_every_epoch(seed):
    order = build_row_order(True, seed, 50)  # noqa: FBT003 as the spec has it
    for epoch in range(3):
        expected = np.random.RandomState([seed, epoch]).permutation(50)
        assert order(epoch).tolist() == expected.tolist() == draw_permutation(seed, epoch, 50).tolist()
    assert len({tuple(order(epoch)) for epoch in range(5)}) == 5


def test_without_shuffling_rows_keep_their_order():
    assert build_row_order(False, 3, 5)(2).tolist() == [0, 1, 2, 3, 4]  # noqa: FBT003 as the spec has it


def test_each_kind_of_shuffling_gives_other_results():
    losses = [
        train_with_engine(build_spec(SCORE_LAYERS, shuffle=shuffle), draw_numbers())[1].columns()["loss"]
        for shuffle in (True, False, "keras")
    ]
    assert len({loss[-1] for loss in losses}) == 3
