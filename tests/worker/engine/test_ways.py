"""Another way to a product is taken only where it has the bits of TensorFlow's own and is much faster."""

import numpy as np
import pytest
import tensorflow as tf

from worker.engine.optimizations import ways
from worker.engine.optimizations.ways import (
    OF_INPUTS,
    OUTPUTS,
    faster,
    gradients_of_halves,
    halves_agree,
    is_possible,
    of_halves,
    of_kernel,
    widths,
)

KERNEL = (512, 256)
PRODUCTS = pytest.mark.parametrize("product", [OUTPUTS, OF_INPUTS], ids=["outputs", "gradient of the inputs"])
THREADS = 1
"""By which what was found is remembered; a process under test may have more."""


@pytest.fixture(autouse=True)
def anew():
    """Have everything tried anew, and forgotten what was found."""
    faster.cache_clear()
    yield
    faster.cache_clear()


@pytest.fixture(autouse=True)
def free_core(monkeypatch):
    """Have a core free, whatever machine this is."""
    monkeypatch.setattr(ways, "count_usable_cores", lambda: 2 * THREADS)


def drawn(product, rows, kernel):
    """Factors that nothing was tried on, some of them large, small and negative zeros."""
    random = np.random.default_rng(1)
    for shape in ((rows, kernel[product.side]), kernel):
        factor = random.normal(size=shape) * 10.0 ** random.integers(-9, 9, size=shape)
        yield tf.constant(np.where(random.random(shape) < 0.1, -0.0, factor).astype("float32"))


@PRODUCTS
@pytest.mark.parametrize("rows", [2, 17, 53, 64, 100, 256])
@pytest.mark.parametrize("kernel", [KERNEL, (512, 512), (300, 200), (96, 10)])
def test_a_way_that_is_taken_leaves_the_bits_of_every_number(product, rows, kernel, monkeypatch):
    monkeypatch.setattr(ways, "_pays", lambda *_: True)
    first, second = drawn(product, rows, kernel)
    if (cut := faster(product, rows, kernel, THREADS)) is not None:
        assert product.other(first, second, cut).numpy().tobytes() == product.usual(first, second).numpy().tobytes()


@PRODUCTS
def test_a_way_with_other_bits_is_not_taken(product, monkeypatch):
    monkeypatch.setattr(ways, "_pays", lambda *_: True)
    one_bit = np.zeros((), "float32") + 2**-20
    assert faster(product._replace(other=lambda *given: product.usual(*given[:2])), 16, KERNEL, THREADS) is not None
    other = product._replace(other=lambda *given: product.usual(*given[:2]) + one_bit)
    assert faster(other, 16, KERNEL, THREADS) is None


@pytest.mark.parametrize(
    ("threads", "count", "taken"),
    [(1, 2, True), (1, 1, False), (2, 3, False), (0, 8, False)],
    ids=["a core free", "none", "too few", "a thread for each"],
)
def test_halves_are_taken_where_cores_are_free_for_the_second(threads, count, taken, monkeypatch):
    monkeypatch.setattr(ways, "count_usable_cores", lambda: count)
    monkeypatch.setattr(ways, "_pays", lambda *_: True)
    product = OUTPUTS._replace(other=lambda *given: OUTPUTS.usual(*given[:2]))
    assert (faster(product, 64, KERNEL, threads) is not None) is taken
    assert is_possible(OUTPUTS, threads) is taken
    assert is_possible(OF_INPUTS, threads)


@pytest.mark.parametrize(
    ("product", "told", "taken"),
    [
        (OF_INPUTS, (1.0, 0.5), True),
        (OF_INPUTS, (1.0, 0.95), False),
        (OF_INPUTS, (0.5, 1.0), False),
        (OUTPUTS, (1.0, 1.1), True),
        (OUTPUTS, (1.0, 1.9), False),
        (OUTPUTS, (20e-6, 20e-6), False),
    ],
    ids=["faster", "hardly faster", "slower", "half as long on each core", "hardly shorter", "too short to begin"],
)
def test_what_is_much_faster_pays(product, told, taken, monkeypatch):
    monkeypatch.setattr(ways, "_begun", lambda _: [0.0, 0.0])
    monkeypatch.setattr(ways, "_seconds", lambda _: list(told))
    assert ways._pays(product, lambda: None, lambda: None) is taken


def test_what_it_takes_to_begin_outside_of_a_graph_does_not_count(monkeypatch):
    monkeypatch.setattr(ways, "_begun", lambda _: [1.0, 3.0])
    monkeypatch.setattr(ways, "_seconds", lambda _: [2.0, 3.5])
    assert ways._pays(OF_INPUTS, lambda: None, lambda: None)


@pytest.mark.parametrize("rows", [2, 17, 53, 64, 100, 256])
@pytest.mark.parametrize("kernel", [KERNEL, (784, 128), (300, 201), (96, 10)])
def test_halves_that_agree_leave_the_bits_of_every_number(rows, kernel):
    if not halves_agree.__wrapped__(rows, kernel, THREADS):
        return
    inputs, whole = drawn(OUTPUTS, rows, kernel)
    gradient, _ = drawn(OF_INPUTS, rows, kernel)
    outputs = of_halves(inputs, tf.split(whole, widths(kernel[1]), axis=1))
    assert outputs.numpy().tobytes() == OUTPUTS.usual(inputs, whole).numpy().tobytes()
    joined = tf.concat(gradients_of_halves(inputs, gradient), 1)
    assert joined.numpy().tobytes() == of_kernel(inputs, gradient).numpy().tobytes()


@pytest.mark.parametrize("name", ["of_halves", "gradients_of_halves"])
def test_halves_with_other_bits_do_not_agree(name, monkeypatch):
    one_product = 1, (1, 256), THREADS  # for each number, which has the same bits anywhere
    assert halves_agree.__wrapped__(*one_product)
    way = getattr(ways, name)
    one_bit = np.zeros((), "float32") + 2**-20
    monkeypatch.setattr(ways, name, lambda *given: tf.nest.map_structure(lambda part: part + one_bit, way(*given)))
    assert not halves_agree.__wrapped__(*one_product)
