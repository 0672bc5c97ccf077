"""Dense layers multiply by other ways for the rows for which these were chosen, and never with other bits."""

import numpy as np
import pytest
import tensorflow as tf

from tests.worker.engine.parts import numbers, spec
from tests.worker.engine.test_same_bits import by_keras, same_as_stock
from tests.worker.stock import prepared, trained
from worker.compilation import build_compiled
from worker.engine import Engine, products
from worker.engine.products import Products
from worker.engine.ways import OF_INPUTS, OUTPUTS, Way, tried

DENSE = {"type": "Dense", "units": 256}
FIRST, SECOND = (128, 256), (256, 256)
"""Kernels of two such layers."""
ROWS = 16
"""For which another way is taken."""


@pytest.fixture
def told(monkeypatch):
    """For what it was asked which way is fastest: for 16 rows it is the second."""
    asked = []

    def fastest(product, rows, kernel, _, among):
        asked.append((product, rows, kernel))
        return (1, 3) if rows == ROWS and 1 in among else (0, 0)

    monkeypatch.setattr(products, "fastest", fastest)
    monkeypatch.setattr(products, "_LEAST_MULTIPLIED", 0)
    return asked


@pytest.fixture
def nothing(monkeypatch):
    """Products whose second way can be told from the first: it leaves nothing but zeros."""
    for name, product in (("OUTPUTS", OUTPUTS), ("OF_INPUTS", OF_INPUTS)):
        usual = product.ways[0]
        zeros = Way(lambda *given, usual=usual: tf.zeros_like(usual.multiply(*given)), usual.cuts, halves=False)
        monkeypatch.setattr(products, name, product._replace(ways=(usual, zeros)))


def network(*layers):
    """For rows of 128 numbers."""
    return build_compiled(spec([*layers, {"type": "Dense", "units": 1}]), (128,))


def outputs(layer):
    """A traced function from a number of rows to a layer's outputs, of ones, and to the gradient of these ones."""

    def of(inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            made = layer(inputs)
        return made, tape.gradient(made, inputs)

    function = tf.function(of, input_signature=[tf.TensorSpec((None, layer.input.shape[1]), "float32")])
    return lambda rows: [found.numpy() for found in function(np.ones((rows, layer.input.shape[1]), "float32"))]


@pytest.mark.usefixtures("told", "nothing")
def test_only_the_rows_that_were_chosen_take_another_way():
    made = network(DENSE, DENSE)
    usual = [outputs(layer)(5) for layer in made.layers[:2]]
    chosen = Products(made, [ROWS, 5])
    first, second = (outputs(layer) for layer in made.layers[:2])
    assert not first(ROWS)[0].any()
    assert all(not found.any() for found in second(ROWS))
    chosen.choose([64])
    for layer, expected in zip((first, second), usual, strict=True):
        for rows in (ROWS, 64, 5):
            for found, row in zip(layer(rows), expected, strict=True):
                np.testing.assert_allclose(found, np.tile(row[:1], (rows, 1)), rtol=1e-4, atol=1e-6)


def test_nobody_asks_for_the_gradient_of_a_network_s_inputs(told):
    Products(network(DENSE, DENSE), [ROWS])
    assert {(OUTPUTS, FIRST), (OUTPUTS, SECOND), (OF_INPUTS, SECOND)} == {(one, kernel) for one, _, kernel in told}


@pytest.mark.parametrize(
    ("layers", "rows"),
    [
        ([{"type": "Dense", "units": 64}], ROWS),
        ([{"type": "Reshape", "target_shape": [4, 32]}, {"type": "Dense", "units": 512}, {"type": "Flatten"}], ROWS),
        ([DENSE], 5),
        ([DENSE], 2**20),
    ],
    ids=["a small kernel", "rows of rows", "rows with no faster way", "too much to try"],
)
@pytest.mark.usefixtures("told")
def test_what_has_nothing_to_gain_is_left_to_keras(layers, rows):
    made = network(*layers)
    Products(made, [rows])
    assert all("call" not in vars(layer) for layer in made.layers)


def test_a_job_that_takes_every_way_it_can_has_stock_s_bits(monkeypatch, traced):
    """Also on a graph that was kept from a job with other batches."""
    taken = set()

    def last(product, rows, kernel, threads, among):
        found = tried(product, rows, kernel, threads)
        place = max({0, *among} & found.keys())
        taken.add((product, place))
        return place, found[place].cut

    monkeypatch.setattr(products, "fastest", last)
    monkeypatch.setattr(products, "_LEAST_MULTIPLIED", 0)
    wide = [{"type": "Dense", "units": 512, "activation": "relu"}] * 2
    layers = [*wide, {"type": "Dropout", "rate": 0.25}, {"type": "Dense", "units": 1}]
    draw, engine = np.random.default_rng(0), Engine(2**30)
    x, y = draw.normal(size=(112, 48)).astype("float32"), draw.normal(size=112).astype("float32")
    data = prepared((x, y), (x[:24], y[:24]))
    for batch_size in (48, 64):
        wanted = spec(layers, optimizer="adam", batch_size=batch_size)
        same_as_stock(*trained(wanted, data, engine), *by_keras(wanted, data))
    assert len(traced) == 1
    assert {product for product, place in taken if place} == {OUTPUTS, OF_INPUTS}


def test_a_job_chooses_for_its_own_batches(told):
    layers, engine = [DENSE, DENSE, {"type": "Dense", "units": 1}], Engine(2**30)
    for batch_size, rows in ((16, {16, 8}), (20, {20}), (1000, {40})):
        told.clear()
        trained(spec(layers, batch_size=batch_size, epochs=1), numbers(), engine)
        assert {count for _, count, kernel in told if kernel == SECOND} >= rows
