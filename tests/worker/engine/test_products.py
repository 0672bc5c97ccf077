"""Factors are exchanged for the rows for which that pays, and nowhere, and never with other bits."""

import math

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.framework.ops import gradient_registry

from tests.worker.engine.parts import numbers, spec
from tests.worker.engine.test_same_bits import by_keras, same_as_stock
from tests.worker.stock import prepared, trained
from worker.engine import Engine, products

KERNEL = (512, 256)
"""As small as one with a choice may be."""
FORGOTTEN = (products.pays, products._compiled)


@pytest.fixture
def anew():
    """Have everything tried anew, and forgotten what was found."""
    for found in FORGOTTEN:
        found.cache_clear()
    yield
    for found in FORGOTTEN:
        found.cache_clear()


@pytest.fixture
def told(monkeypatch):
    """The rows for which it was asked whether exchanging pays: it does for 16 of them."""
    asked = []

    def pays(rows, kernel, _):
        asked.append((rows, kernel))
        return rows == 16

    monkeypatch.setattr(products, "pays", pays)
    return asked


@pytest.fixture
def nothing(monkeypatch):
    """Exchanged products that can be told from others: they are all zeros."""
    monkeypatch.setattr(products, "_exchanged", lambda *given: tf.zeros_like(products._usual(*given)))


def gradients(chosen, kernel=KERNEL, **transposed):
    """A traced function from rows to the gradient of what a kernel makes of them, and each row of that gradient."""
    factor = tf.constant(np.random.default_rng(0).random(kernel, "float32"))
    inputs, units = reversed(kernel) if transposed else kernel
    expected = tf.reduce_sum(factor, axis=0 if transposed else 1).numpy()

    def of(rows):
        with tf.GradientTape() as tape:
            tape.watch(rows)
            product = tf.matmul(rows, factor, **transposed)
        return tape.gradient(product, rows, tf.ones((tf.shape(rows)[0], units)))

    function = tf.function(of, input_signature=[tf.TensorSpec((None, inputs), "float32")])
    with chosen.tracing():
        function.get_concrete_function()
    return (lambda count: function(np.ones((count, inputs), "float32")).numpy()), expected


@pytest.mark.usefixtures("told", "nothing")
def test_only_the_rows_that_were_chosen_are_exchanged():
    chosen = products.Products()
    gradient, expected = gradients(chosen)
    np.testing.assert_allclose(gradient(16)[0], expected, rtol=1e-5)
    chosen.choose([64, 16])
    assert not gradient(16).any()
    for rows in (64, 5):
        np.testing.assert_allclose(gradient(rows), np.tile(expected, (rows, 1)), rtol=1e-5)
    chosen.choose([64])
    np.testing.assert_allclose(gradient(16)[0], expected, rtol=1e-5)


@pytest.mark.usefixtures("nothing")
@pytest.mark.parametrize(("kernel", "transposed"), [((256, 256), {}), (KERNEL, {"transpose_b": True})])
def test_small_and_transposed_kernels_have_no_choice(told, kernel, transposed):
    chosen = products.Products()
    gradient, expected = gradients(chosen, kernel, **transposed)
    chosen.choose([16])
    assert told == []
    np.testing.assert_allclose(gradient(16)[0], expected, rtol=1e-5)


def test_what_others_trace_is_tensorflow_s_own():
    own, chosen = gradient_registry.lookup("MatMul"), products.Products()
    with pytest.raises(TypeError, match="of no function"), chosen.tracing():  # noqa: PT012  # both are of the tracing
        assert gradient_registry.lookup("MatMul") is not own
        raise TypeError("of no function")
    assert gradient_registry.lookup("MatMul") is own


@pytest.mark.usefixtures("anew")
@pytest.mark.parametrize(("seconds", "pay"), [([1.0, 0.5], True), ([1.0, 0.95], False), ([0.5, 1.0], False)])
def test_what_is_hardly_faster_does_not_pay(monkeypatch, seconds, pay):
    monkeypatch.setattr(products, "_exchanged", products._usual)
    monkeypatch.setattr(products, "_seconds", lambda _: seconds)
    assert products.pays(16, KERNEL, 1) is pay


@pytest.mark.usefixtures("anew")
def test_what_has_other_bits_does_not_pay(monkeypatch):
    one_bit = np.zeros((16, 512), "float32")
    one_bit[3, 5] = 2**-20
    monkeypatch.setattr(products, "_exchanged", lambda *given: products._usual(*given) + one_bit)
    monkeypatch.setattr(products, "_seconds", lambda _: [1.0, 0.1])
    assert not products.pays(16, KERNEL, 1)


@pytest.mark.usefixtures("anew")
def test_a_job_exchanged_wherever_it_can_be_has_stock_s_bits(monkeypatch, traced):
    """Also on a graph that was kept from a job with other batches.

    Of 48, 64 and 16 rows with 1024 units the bits are the same where this was written, so factors are exchanged.
    """
    monkeypatch.setattr(products, "_GAIN", math.inf)
    wide = [{"type": "Dense", "units": 1024, "activation": "relu"}] * 2
    layers = [*wide, {"type": "Dropout", "rate": 0.25}, {"type": "Dense", "units": 1}]
    draw, engine = np.random.default_rng(0), Engine(2**30)
    x, y = draw.normal(size=(112, 6)).astype("float32"), draw.normal(size=112).astype("float32")
    data = prepared((x, y), (x[:24], y[:24]))
    for batch_size in (48, 64):
        wanted = spec(layers, optimizer="adam", batch_size=batch_size)
        same_as_stock(*trained(wanted, data, engine), *by_keras(wanted, data))
    assert len(traced) == 1


def test_a_job_chooses_for_its_own_batches(told):
    layers = [{"type": "Dense", "units": 512}, {"type": "Dense", "units": 256}, {"type": "Dense", "units": 1}]
    engine = Engine(2**30)
    for batch_size, rows in ((16, {16, 8}), (20, {20}), (1000, {40})):
        told.clear()
        trained(spec(layers, batch_size=batch_size, epochs=1), numbers(), engine)
        assert {(count, KERNEL) for count in rows} == set(told)
