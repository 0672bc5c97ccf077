"""Dense layers multiply by other ways for the rows for which these were chosen, and never with other bits."""

import numpy as np
import pytest
import tensorflow as tf

from tests.worker.engine.parts import numbers, spec
from tests.worker.engine.test_same_bits import by_keras, same_as_stock
from tests.worker.stock import prepared, trained
from worker.engine import Engine
from worker.engine.optimizations import products, ways
from worker.engine.optimizations.products import Products
from worker.engine.optimizations.ways import OF_INPUTS, OUTPUTS
from worker.keras_build.compilation import build_compiled

DENSE = {"type": "Dense", "units": 256}
FIRST, SECOND = (128, 256), (256, 256)
"""Kernels of two such layers."""
ROWS = 16
"""For which the other way is taken."""


@pytest.fixture
def told(monkeypatch):
    """For what it was asked whether the other way is faster: it is for 16 rows."""
    asked = []

    def faster(product, rows, kernel, _):
        asked.append((product, rows, kernel))
        return 6 if rows == ROWS else None

    monkeypatch.setattr(products, "faster", faster)
    monkeypatch.setattr(products, "_LEAST_MULTIPLIED", 0)
    monkeypatch.setattr(products, "_LEAST", FIRST[0] * FIRST[1])
    monkeypatch.setattr(products, "is_possible", lambda *_: True)
    return asked


@pytest.fixture
def different(monkeypatch):
    """Products whose other way can be told from the usual one: it leaves zeros, in the first rows or in all."""

    def outputs(inputs, kernel, cut):
        return OUTPUTS.usual(tf.concat([tf.zeros_like(inputs[:cut]), inputs[cut:]], 0), kernel)

    def of_inputs(gradient, kernel, _):
        return tf.zeros_like(OF_INPUTS.usual(gradient, kernel))

    monkeypatch.setattr(products, "OUTPUTS", OUTPUTS._replace(other=outputs))
    monkeypatch.setattr(products, "OF_INPUTS", OF_INPUTS._replace(other=of_inputs))


def network(*layers):
    """For rows of 128 numbers."""
    return build_compiled(spec([*layers, {"type": "Dense", "units": 1}]), (128,))


def outputs(layer):
    """A traced function from a number of rows to a layer's outputs, of ones, and to the gradient of these ones."""

    def of(inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            made = layer(inputs, training=True)
        return made, tape.gradient(made, inputs)

    function = tf.function(of, input_signature=[tf.TensorSpec((None, layer.input.shape[1]), "float32")])
    return lambda rows: [found.numpy() for found in function(np.ones((rows, layer.input.shape[1]), "float32"))]


@pytest.mark.usefixtures("told", "different")
def test_only_the_rows_that_were_chosen_are_exchanged():
    made = network(DENSE, DENSE)
    usual = outputs(made.layers[1])(5)[1][0]
    chosen = Products(made)
    chosen.choose([ROWS, 5])
    gradient = outputs(made.layers[1])
    assert not gradient(ROWS)[1].any()
    for rows in (5, 64):
        np.testing.assert_allclose(gradient(rows)[1], np.tile(usual, (rows, 1)), rtol=1e-4, atol=1e-6)
    chosen.choose([64])
    np.testing.assert_allclose(gradient(ROWS)[1], np.tile(usual, (ROWS, 1)), rtol=1e-4, atol=1e-6)


@pytest.mark.usefixtures("told", "different")
def test_rows_are_cut_where_it_was_chosen():
    """Those of the first half are zeros: of others, all rows are in the first half."""
    made = network(DENSE)
    chosen = Products(made)
    chosen.choose([ROWS, 5])
    of = outputs(made.layers[0])
    assert of(ROWS)[0].any(axis=1).tolist() == [False] * 6 + [True] * 10
    assert not of(5)[0].any()
    chosen.choose([5])
    assert not of(ROWS)[0].any()


def test_nobody_asks_for_the_gradient_of_a_network_s_inputs(told):
    Products(network(DENSE, DENSE)).choose([ROWS])
    assert set(told) == {(OUTPUTS, ROWS, FIRST), (OUTPUTS, ROWS, SECOND), (OF_INPUTS, ROWS, SECOND)}


@pytest.mark.usefixtures("told", "different")
def test_a_test_cuts_its_rows_where_a_training_does():
    made = network(DENSE)
    Products(made).choose([ROWS])
    found = made.layers[0](np.ones((ROWS, 128), "float32"), training=False).numpy()
    assert found.any(axis=1).tolist() == [False] * 6 + [True] * 10


@pytest.mark.parametrize(
    "layers",
    [
        [{"type": "Dense", "units": 64}],
        [{"type": "Reshape", "target_shape": [4, 32]}, {"type": "Dense", "units": 8192}, {"type": "Flatten"}],
    ],
    ids=["a small kernel", "rows of rows"],
)
def test_what_has_nothing_to_gain_is_left_to_keras(layers):
    made = network(*layers)
    Products(made)
    assert all("call" not in vars(layer) for layer in made.layers)


@pytest.mark.parametrize("rows", [5, 2**20], ids=["rows with no faster way", "too much to try"])
def test_what_is_small_or_takes_long_is_not_tried(rows, monkeypatch):
    monkeypatch.setattr(products, "faster", lambda *_: pytest.fail("was tried"))
    monkeypatch.setattr(products, "_LEAST", FIRST[0] * FIRST[1])
    Products(network(DENSE, DENSE)).choose([rows])


@pytest.mark.parametrize(
    ("optimizer", "ways_taken"),
    [("adamw", {OUTPUTS, OF_INPUTS}), ("adam", {OF_INPUTS})],
    ids=["kernels that are whole", "kernels in halves"],
)
def test_a_job_that_takes_every_other_way_has_stock_s_bits(optimizer, ways_taken, monkeypatch, traced):
    """Also on a graph that was kept from a job with other batches.

    Of 48, 64 and 16 rows with 1024 units the bits are the same where this was written, so factors are exchanged.
    """
    monkeypatch.setattr(ways, "_pays", lambda *_: True)
    monkeypatch.setattr(ways, "count_usable_cores", lambda: 2)
    monkeypatch.setattr(products, "_threads", lambda: 1)
    taken = set()

    def faster(product, rows, kernel, _):
        cut = ways.faster.__wrapped__(product, rows, kernel, 1)
        taken.update([] if cut is None else [product])
        return cut

    monkeypatch.setattr(products, "faster", faster)
    monkeypatch.setattr(products, "_LEAST_MULTIPLIED", 0)
    wide = [{"type": "Dense", "units": 1024, "activation": "relu"}] * 2
    layers = [*wide, {"type": "Dropout", "rate": 0.25}, {"type": "Dense", "units": 1}]
    draw, engine = np.random.default_rng(0), Engine(2**30)
    x, y = draw.normal(size=(112, 16)).astype("float32"), draw.normal(size=112).astype("float32")
    data = prepared((x, y), (x[:24], y[:24]))
    for batch_size in (48, 64):
        wanted = spec(layers, optimizer=optimizer, batch_size=batch_size)
        same_as_stock(*trained(wanted, data, engine), *by_keras(wanted, data))
    assert len(traced) == 1
    assert taken == ways_taken


def test_a_job_chooses_for_its_own_batches(told):
    layers, engine = [DENSE, DENSE, {"type": "Dense", "units": 1}], Engine(2**30)
    for batch_size, rows in ((16, {16, 8}), (20, {20}), (1000, {40})):
        told.clear()
        trained(spec(layers, batch_size=batch_size, epochs=1), numbers(), engine)
        assert {count for _, count, kernel in told if kernel == SECOND} >= rows
