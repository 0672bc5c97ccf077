"""Ways to a product are taken only where they have the bits of TensorFlow's own and are much faster."""

import numpy as np
import pytest
import tensorflow as tf

from worker.engine import ways
from worker.engine.ways import OF_INPUTS, OUTPUTS, Found, Product, fastest, tried

KERNEL = (512, 256)
PRODUCTS = pytest.mark.parametrize("product", [OUTPUTS, OF_INPUTS], ids=["outputs", "gradient of the inputs"])


@pytest.fixture(autouse=True)
def anew():
    """Have everything tried anew, and forgotten what was found."""
    tried.cache_clear()
    yield
    tried.cache_clear()


@pytest.fixture
def threads():
    """Of this process."""
    return tf.config.threading.get_intra_op_parallelism_threads()


@pytest.fixture(params=[1, 2], ids=["other core free", "no core free"])
def cores(request, monkeypatch, threads):
    """As many as there are threads for, once and twice."""
    monkeypatch.setattr(ways, "_cores", lambda: 2 * max(threads, 1) // request.param)
    return request.param


def drawn(product, rows, kernel):
    """Factors that nothing was tried on, some of them large, small and negative zeros."""
    random = np.random.default_rng(1)
    for shape in product.shapes(rows, kernel):
        factor = random.normal(size=shape) * 10.0 ** random.integers(-9, 9, size=shape)
        yield tf.constant(np.where(random.random(shape) < 0.1, -0.0, factor).astype("float32"))


@PRODUCTS
@pytest.mark.parametrize("rows", [2, 17, 53, 64, 100, 256])
@pytest.mark.parametrize("kernel", [KERNEL, (512, 512), (300, 200), (96, 10)])
def test_a_way_that_was_found_leaves_the_bits_of_every_number(product, rows, kernel, threads):
    first, second = drawn(product, rows, kernel)
    for place, found in tried(product, rows, kernel, threads).items():
        result = product.ways[place].multiply(first, second, found.cut).numpy()
        assert result.tobytes() == product.ways[0].multiply(first, second, 0).numpy().tobytes()


def test_halves_are_tried_where_a_core_is_free(cores, threads, monkeypatch):
    monkeypatch.setattr(np, "array_equal", lambda *_: True)
    halves = {place for place, way in enumerate(OF_INPUTS.ways) if way.halves}
    assert (halves <= tried(OF_INPUTS, 64, KERNEL, max(threads, 1)).keys()) is (cores == 1)


def test_a_way_with_other_bits_is_not_found(threads):
    one_bit = np.zeros((16, 256), "float32")
    one_bit[3, 5] = 2**-20
    usual = OUTPUTS.ways[0]
    other = usual._replace(multiply=lambda *given: usual.multiply(*given) + one_bit)
    assert tried(Product(OUTPUTS.shapes, (usual, other, usual)), 16, KERNEL, threads).keys() == {0, 2}


@pytest.mark.parametrize(
    ("seconds", "among", "taken"),
    [
        ([1.0, 0.5], [1], 1),
        ([1.0, 0.95], [1], 0),
        ([0.5, 1.0], [1], 0),
        ([1.0, 0.5, 0.4], [1], 1),
        ([1.0, 0.5], [], 0),
    ],
    ids=["faster", "hardly faster", "slower", "not among them", "nothing else"],
)
def test_what_is_much_faster_is_taken(monkeypatch, seconds, among, taken):
    found = {place: Found(7 * place, one) for place, one in enumerate(seconds)}
    monkeypatch.setattr(ways, "tried", lambda *_: found)
    assert fastest(OUTPUTS, 16, KERNEL, 1, among) == (taken, 7 * taken)
