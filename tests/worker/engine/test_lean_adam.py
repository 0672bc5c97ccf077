"""Adam's fewer passes are taken where they leave Keras's own bits, and only there."""

import keras
import numpy as np
import pytest

from worker.engine.optimizations import lean_adam


def built(optimizer):
    optimizer.build([keras.Variable(np.zeros(3, "float32"))])
    return optimizer


@pytest.fixture
def looked():
    """Have it looked anew what the kernels leave, and forgotten what was found."""
    lean_adam.has_the_bits_of_keras.cache_clear()
    yield
    lean_adam.has_the_bits_of_keras.cache_clear()


def lightened(optimizer):
    lean_adam.lighten(built(optimizer))
    return "update_step" in vars(optimizer)


@pytest.mark.parametrize("made", [keras.optimizers.Adam, keras.optimizers.AdamW])
def test_an_adam_is_lighter(made):
    assert lightened(made())


@pytest.mark.parametrize(
    "made", [lambda: keras.optimizers.Adam(amsgrad=True), keras.optimizers.Nadam, keras.optimizers.SGD]
)
def test_what_has_other_updates_is_left_as_it_is(made):
    assert not lightened(made())


@pytest.mark.usefixtures("looked")
def test_where_kernels_leave_other_bits_keras_s_own_are_kept(monkeypatch):
    by_kernel = lean_adam._add_product

    def rounded_once(variable, factor, minus):
        """As a product and a sum that are rounded together: some last bits are others."""
        before = variable.numpy().astype("float64")
        by_kernel(variable, factor, minus)
        variable.assign((before - factor.numpy().astype("float64") * float(minus)).astype("float32"))

    monkeypatch.setattr(lean_adam, "_add_product", rounded_once)
    assert not lean_adam.has_the_bits_of_keras()
    assert not lightened(keras.optimizers.Adam())
