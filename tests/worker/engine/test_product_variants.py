"""An alternative product is used only if it is bit-identical to TensorFlow's own and much faster."""

import numpy as np
import pytest
import tensorflow as tf

from worker.engine.optimizations import product_variants
from worker.engine.optimizations.product_variants import (
    INPUT_GRADIENT,
    OUTPUTS,
    are_halves_identical,
    can_use_alternative,
    compute_half_gradients,
    compute_kernel_gradient,
    find_faster_cut,
    multiply_halves,
    split_width,
)

pytestmark = pytest.mark.exhaustive

KERNEL = (512, 256)
PRODUCTS = pytest.mark.parametrize("product", [OUTPUTS, INPUT_GRADIENT], ids=["outputs", "gradient of the inputs"])
THREADS = 1
"""Key of the cached results; the test process may have more threads."""


@pytest.fixture(autouse=True)
def repeated_trials():
    """Repeat the trials in each test, and forget their results."""
    find_faster_cut.cache_clear()
    yield
    find_faster_cut.cache_clear()


@pytest.fixture(autouse=True)
def free_core(monkeypatch):
    """Pretend that a core is free on any machine."""
    monkeypatch.setattr(product_variants, "count_usable_cores", lambda: 2 * THREADS)


def draw_factors(product, rows, kernel):
    """Draw factors other than those of the trials, with large, small and negative zero elements."""
    random = np.random.default_rng(1)
    for shape in ((rows, kernel[product.side]), kernel):
        factor = random.normal(size=shape) * 10.0 ** random.integers(-9, 9, size=shape)
        yield tf.constant(np.where(random.random(shape) < 0.1, -0.0, factor).astype("float32"))


@PRODUCTS
@pytest.mark.parametrize("rows", [2, 17, 53, 64, 100, 256])
@pytest.mark.parametrize("kernel", [KERNEL, (512, 512), (300, 200), (96, 10)])
def test_a_selected_alternative_is_bit_identical_for_other_numbers(product, rows, kernel, monkeypatch):
    monkeypatch.setattr(product_variants, "_is_worthwhile", lambda *_: True)
    first, second = draw_factors(product, rows, kernel)
    if (cut := find_faster_cut(product, rows, kernel, THREADS)) is not None:
        assert (
            product.alternative(first, second, cut).numpy().tobytes()
            == product.standard(first, second).numpy().tobytes()
        )


@PRODUCTS
def test_an_alternative_with_other_bits_is_not_selected(product, monkeypatch):
    monkeypatch.setattr(product_variants, "_is_worthwhile", lambda *_: True)
    one_bit = np.zeros((), "float32") + 2**-20
    assert (
        find_faster_cut(product._replace(alternative=lambda *args: product.standard(*args[:2])), 16, KERNEL, THREADS)
        is not None
    )
    other = product._replace(alternative=lambda *args: product.standard(*args[:2]) + one_bit)
    assert find_faster_cut(other, 16, KERNEL, THREADS) is None


@pytest.mark.parametrize(
    ("threads", "count", "is_selected"),
    [(1, 2, True), (1, 1, False), (2, 3, False), (0, 8, False)],
    ids=["a free core", "no free core", "too few free cores", "a thread for each core"],
)
def test_rows_are_split_only_with_a_free_core(threads, count, is_selected, monkeypatch):
    monkeypatch.setattr(product_variants, "count_usable_cores", lambda: count)
    monkeypatch.setattr(product_variants, "_is_worthwhile", lambda *_: True)
    product = OUTPUTS._replace(alternative=lambda *args: OUTPUTS.standard(*args[:2]))
    assert (find_faster_cut(product, 64, KERNEL, threads) is not None) is is_selected
    assert can_use_alternative(OUTPUTS, threads) is is_selected
    assert can_use_alternative(INPUT_GRADIENT, threads)


@pytest.mark.parametrize(
    ("product", "seconds", "is_worthwhile"),
    [
        (INPUT_GRADIENT, (1.0, 0.5), True),
        (INPUT_GRADIENT, (1.0, 0.95), False),
        (INPUT_GRADIENT, (0.5, 1.0), False),
        (OUTPUTS, (1.0, 1.1), True),
        (OUTPUTS, (1.0, 1.9), False),
        (OUTPUTS, (20e-6, 20e-6), False),
    ],
    ids=["faster", "hardly faster", "slower", "half as long on each core", "hardly shorter", "too short to split"],
)
def test_only_a_much_faster_alternative_is_worthwhile(product, seconds, is_worthwhile, monkeypatch):
    monkeypatch.setattr(product_variants, "_measure_overhead", lambda _: [0.0, 0.0])
    monkeypatch.setattr(product_variants, "_measure_seconds", lambda _: list(seconds))
    assert product_variants._is_worthwhile(product, lambda: None, lambda: None) is is_worthwhile


def test_the_overhead_outside_of_a_graph_does_not_count(monkeypatch):
    monkeypatch.setattr(product_variants, "_measure_overhead", lambda _: [1.0, 3.0])
    monkeypatch.setattr(product_variants, "_measure_seconds", lambda _: [2.0, 3.5])
    assert product_variants._is_worthwhile(INPUT_GRADIENT, lambda: None, lambda: None)


@pytest.mark.parametrize("rows", [2, 17, 53, 64, 100, 256])
@pytest.mark.parametrize("kernel", [KERNEL, (784, 128), (300, 201), (96, 10)])
def test_halves_that_agree_are_bit_identical_for_other_numbers(rows, kernel):
    if not are_halves_identical.__wrapped__(rows, kernel, THREADS):
        return
    inputs, whole = draw_factors(OUTPUTS, rows, kernel)
    gradient, _ = draw_factors(INPUT_GRADIENT, rows, kernel)
    outputs = multiply_halves(inputs, tf.split(whole, split_width(kernel[1]), axis=1))
    assert outputs.numpy().tobytes() == OUTPUTS.standard(inputs, whole).numpy().tobytes()
    gradients = tf.concat(compute_half_gradients(inputs, gradient), 1)
    assert gradients.numpy().tobytes() == compute_kernel_gradient(inputs, gradient).numpy().tobytes()


@pytest.mark.parametrize("name", [multiply_halves.__name__, compute_half_gradients.__name__])
def test_halves_with_other_bits_do_not_agree(name, monkeypatch):
    one_product = 1, (1, 256), THREADS  # a sum of one product, which has the same bits anywhere
    assert are_halves_identical.__wrapped__(*one_product)
    function = getattr(product_variants, name)
    one_bit = np.zeros((), "float32") + 2**-20
    monkeypatch.setattr(
        product_variants, name, lambda *args: tf.nest.map_structure(lambda tensor: tensor + one_bit, function(*args))
    )
    assert not are_halves_identical.__wrapped__(*one_product)
