"""Every activation has the bits of stock Keras, behind kernels that are large enough to be computed otherwise."""

from typing import get_args

import numpy as np
import pytest

from stackyard.spec.network.activations import Activation
from tests.worker.stock import builder, prepared, spec_of, stock, trained
from worker.engine.optimizations import products, ways

ROWS, FEATURES = 64, 256


def numbers():
    draw = np.random.default_rng(0)
    x = draw.normal(scale=0.05, size=(ROWS, FEATURES)).astype("float32")
    y = draw.normal(size=ROWS).astype("float32")
    return prepared((x, y), (x[:32], y[:32]))


def test_silu_over_time_has_the_bits_of_fit():
    """Every other activation is left as it is; TimeDistributed's layer is not among the network's."""
    draw = np.random.default_rng(0)
    x, y = draw.normal(size=(96, 8, 64)).astype("float32"), draw.normal(size=96).astype("float32")
    data = prepared((x, y), (x[:32], y[:32]))
    over_time = {"type": "TimeDistributed", "layer": {"type": "Dense", "units": 128, "activation": "silu"}}
    spec = spec_of([over_time, {"type": "Flatten"}, {"type": "Dense", "units": 1}], optimizer="adam", epochs=2)
    is_stock(spec, data)


@pytest.mark.parametrize("activation", get_args(Activation))
def test_an_activation_has_the_bits_of_fit(activation, monkeypatch):
    monkeypatch.setattr(ways, "count_usable_cores", lambda: 2)  # so that one is free for the second half of a kernel
    monkeypatch.setattr(products, "_threads", lambda: 1)
    hidden = {"type": "Dense", "units": 256}
    layers = [hidden | {"activation": activation}, hidden, {"type": "Activation", "activation": activation}]
    spec = spec_of([*layers, {"type": "Dense", "units": 1}], optimizer="adam", epochs=2)
    is_stock(spec, numbers())


def is_stock(spec, data):
    outcome, told = trained(spec, data)
    network, history = stock(builder(spec, data)(), data, epochs=2)
    assert told.columns() == history
    np.testing.assert_equal(outcome.network.get_weights(), network.get_weights())
