"""Dense layers use alternative products for the selected numbers of rows, and are always bit-identical."""

import numpy as np
import pytest
import tensorflow as tf

from tests.worker.engine.sample_jobs import build_spec, draw_numbers
from tests.worker.engine.test_same_bits import assert_same_results, fit_by_spec
from tests.worker.keras_reference import build_prepared_data, train_with_engine
from worker.engine import Engine
from worker.engine.optimizations import dense_products, product_variants
from worker.engine.optimizations.dense_products import DenseProducts
from worker.engine.optimizations.product_variants import INPUT_GRADIENT, OUTPUTS
from worker.keras_build.compilation import build_compiled_network

DENSE = {"type": "Dense", "units": 256}
FIRST, SECOND = (128, 256), (256, 256)
"""Kernel shapes of two such layers."""
ROWS = 16
"""Number of rows for which the alternative is used."""


@pytest.fixture
def trials(monkeypatch):
    """Record the trials; the alternative is faster for 16 rows."""
    trials = []

    def faster(product, rows, kernel, _):
        trials.append((product, rows, kernel))
        return 6 if rows == ROWS else None

    monkeypatch.setattr(dense_products, "find_faster_cut", faster)
    monkeypatch.setattr(dense_products, "_MIN_MULTIPLICATIONS", 0)
    monkeypatch.setattr(dense_products, "_MIN_ELEMENTS", FIRST[0] * FIRST[1])
    monkeypatch.setattr(dense_products, "can_use_alternative", lambda *_: True)
    return trials


@pytest.fixture
def different(monkeypatch):
    """Replace the alternatives by ones that return zeros, in the first rows or in all."""

    def multiply_last_rows(inputs, kernel, cut):
        return OUTPUTS.standard(tf.concat([tf.zeros_like(inputs[:cut]), inputs[cut:]], 0), kernel)

    def return_zeros(gradient, kernel, _):
        return tf.zeros_like(INPUT_GRADIENT.standard(gradient, kernel))

    monkeypatch.setattr(dense_products, "OUTPUTS", OUTPUTS._replace(alternative=multiply_last_rows))
    monkeypatch.setattr(dense_products, "INPUT_GRADIENT", INPUT_GRADIENT._replace(alternative=return_zeros))


def build_network(*layers):
    """Build a network for rows of 128 numbers."""
    return build_compiled_network(build_spec([*layers, {"type": "Dense", "units": 1}]), (128,))


def trace_layer(layer):
    """Return a traced function from a number of rows of ones to the layer's outputs and the inputs' gradient."""

    def run_layer(inputs):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs, training=True)
        return outputs, tape.gradient(outputs, inputs)

    function = tf.function(run_layer, input_signature=[tf.TensorSpec((None, layer.input.shape[1]), "float32")])
    return lambda rows: [result.numpy() for result in function(np.ones((rows, layer.input.shape[1]), "float32"))]


@pytest.mark.usefixtures("trials", "different")
def test_factors_are_swapped_only_for_the_selected_numbers_of_rows():
    network = build_network(DENSE, DENSE)
    expected = trace_layer(network.layers[1])(5)[1][0]
    products_of_network = DenseProducts(network)
    products_of_network.select_variants([ROWS, 5])
    gradient = trace_layer(network.layers[1])
    assert not gradient(ROWS)[1].any()
    for rows in (5, 64):
        np.testing.assert_allclose(gradient(rows)[1], np.tile(expected, (rows, 1)), rtol=1e-4, atol=1e-6)
    products_of_network.select_variants([64])
    np.testing.assert_allclose(gradient(ROWS)[1], np.tile(expected, (ROWS, 1)), rtol=1e-4, atol=1e-6)


@pytest.mark.usefixtures("trials", "different")
def test_rows_are_split_at_the_selected_position():
    """Outputs of the first half are zeros. For other numbers of rows, all rows are in the first half."""
    network = build_network(DENSE)
    products_of_network = DenseProducts(network)
    products_of_network.select_variants([ROWS, 5])
    run_layer = trace_layer(network.layers[0])
    assert run_layer(ROWS)[0].any(axis=1).tolist() == [False] * 6 + [True] * 10
    assert not run_layer(5)[0].any()
    products_of_network.select_variants([5])
    assert not run_layer(ROWS)[0].any()


def test_the_gradient_of_the_network_s_inputs_is_not_tried(trials):
    DenseProducts(build_network(DENSE, DENSE)).select_variants([ROWS])
    assert set(trials) == {(OUTPUTS, ROWS, FIRST), (OUTPUTS, ROWS, SECOND), (INPUT_GRADIENT, ROWS, SECOND)}


@pytest.mark.usefixtures("trials", "different")
def test_an_evaluation_splits_rows_like_a_training():
    network = build_network(DENSE)
    DenseProducts(network).select_variants([ROWS])
    outputs = network.layers[0](np.ones((ROWS, 128), "float32"), training=False).numpy()
    assert outputs.any(axis=1).tolist() == [False] * 6 + [True] * 10


@pytest.mark.parametrize(
    "layers",
    [
        [{"type": "Dense", "units": 64}],
        [{"type": "Reshape", "target_shape": [4, 32]}, {"type": "Dense", "units": 8192}, {"type": "Flatten"}],
    ],
    ids=["a small kernel", "rows with two axes"],
)
def test_layers_without_alternatives_are_unchanged(layers):
    network = build_network(*layers)
    DenseProducts(network)
    assert all("call" not in vars(layer) for layer in network.layers)


@pytest.mark.parametrize("rows", [5, 2**20], ids=["too few rows", "too many rows to try"])
def test_small_and_very_large_products_are_not_tried(rows, monkeypatch):
    monkeypatch.setattr(dense_products, "find_faster_cut", lambda *_: pytest.fail("there was a trial"))
    monkeypatch.setattr(dense_products, "_MIN_ELEMENTS", FIRST[0] * FIRST[1])
    DenseProducts(build_network(DENSE, DENSE)).select_variants([rows])


@pytest.mark.exhaustive
@pytest.mark.parametrize(
    ("optimizer", "alternatives"),
    [("adamw", {OUTPUTS, INPUT_GRADIENT}), ("adam", {INPUT_GRADIENT})],
    ids=["whole kernels", "split kernels"],
)
def test_jobs_with_all_alternatives_are_bit_identical_to_keras(optimizer, alternatives, monkeypatch, traced):
    """The second job uses the cached graph of a job with another batch size.

    On the author's machine, products of 48, 64 and 16 rows with 1024 units are bit-identical, so factors are swapped.
    """
    monkeypatch.setattr(product_variants, "_is_worthwhile", lambda *_: True)
    monkeypatch.setattr(product_variants, "count_usable_cores", lambda: 2)
    monkeypatch.setattr(dense_products, "_get_threads", lambda: 1)
    used = set()

    def faster(product, rows, kernel, _):
        cut = product_variants.find_faster_cut.__wrapped__(product, rows, kernel, 1)
        used.update([] if cut is None else [product])
        return cut

    monkeypatch.setattr(dense_products, "find_faster_cut", faster)
    monkeypatch.setattr(dense_products, "_MIN_MULTIPLICATIONS", 0)
    wide = [{"type": "Dense", "units": 1024, "activation": "relu"}] * 2
    layers = [*wide, {"type": "Dropout", "rate": 0.25}, {"type": "Dense", "units": 1}]
    draw, engine = np.random.default_rng(0), Engine(2**30)
    x, y = draw.normal(size=(112, 16)).astype("float32"), draw.normal(size=112).astype("float32")
    data = build_prepared_data((x, y), (x[:24], y[:24]))
    for batch_size in (48, 64):
        job_spec = build_spec(layers, optimizer=optimizer, batch_size=batch_size)
        assert_same_results(*train_with_engine(job_spec, data, engine), *fit_by_spec(job_spec, data))
    assert len(traced) == 1
    assert used == alternatives


def test_alternatives_are_selected_for_the_batches_of_each_job(trials):
    layers, engine = [DENSE, DENSE, {"type": "Dense", "units": 1}], Engine(2**30)
    for batch_size, rows in ((16, {16, 8}), (20, {20}), (1000, {40})):
        trials.clear()
        train_with_engine(build_spec(layers, batch_size=batch_size, epochs=1), draw_numbers(), engine)
        assert {count for _, count, kernel in trials if kernel == SECOND} >= rows
