"""The lean update of Adam is used only if it is bit-identical to Keras's."""

import keras
import numpy as np
import pytest

from worker.engine.optimizations import lean_adam


def build_optimizer(optimizer):
    optimizer.build([keras.Variable(np.zeros(3, "float32"))])
    return optimizer


@pytest.fixture
def repeated_comparison():
    """Repeat the comparison in the test, and forget its result afterwards."""
    lean_adam.is_lean_update_identical.cache_clear()
    yield
    lean_adam.is_lean_update_identical.cache_clear()


def is_lean(optimizer):
    lean_adam.use_lean_update(build_optimizer(optimizer))
    return "update_step" in vars(optimizer)


@pytest.mark.parametrize("optimizer_class", [keras.optimizers.Adam, keras.optimizers.AdamW])
def test_an_adam_is_lean(optimizer_class):
    assert is_lean(optimizer_class())


@pytest.mark.parametrize(
    "optimizer_class", [lambda: keras.optimizers.Adam(amsgrad=True), keras.optimizers.Nadam, keras.optimizers.SGD]
)
def test_optimizers_with_other_updates_are_unchanged(optimizer_class):
    assert not is_lean(optimizer_class())


@pytest.mark.usefixtures("repeated_comparison")
def test_with_other_bits_the_update_of_keras_is_used(monkeypatch):
    original = lean_adam._add_product

    def add_with_one_rounding(variable, factor, negated_factor):
        """Simulate a fused multiply-add, which changes some last bits."""
        before = variable.numpy().astype("float64")
        original(variable, factor, negated_factor)
        variable.assign((before - factor.numpy().astype("float64") * float(negated_factor)).astype("float32"))

    monkeypatch.setattr(lean_adam, "_add_product", add_with_one_rounding)
    assert not lean_adam.is_lean_update_identical()
    assert not is_lean(keras.optimizers.Adam())
