"""Every activation is bit-identical to stock Keras."""

from typing import get_args

import numpy as np
import pytest

from stackyard.spec.network.activations import Activation
from tests.worker.keras_reference import (
    build_prepared_data,
    build_spec,
    create_network_builder,
    fit_with_keras,
    train_with_engine,
)

ROWS, FEATURES = 64, 256


def build_data():
    generator = np.random.default_rng(0)
    x = generator.normal(scale=0.05, size=(ROWS, FEATURES)).astype("float32")
    y = generator.normal(size=ROWS).astype("float32")
    return build_prepared_data((x, y), (x[:32], y[:32]))


def test_silu_in_a_time_distributed_layer():
    """Only silu is replaced; the layer in a TimeDistributed is not a layer of the network itself."""
    generator = np.random.default_rng(0)
    x, y = generator.normal(size=(96, 8, 64)).astype("float32"), generator.normal(size=96).astype("float32")
    data = build_prepared_data((x, y), (x[:32], y[:32]))
    over_time = {"type": "TimeDistributed", "layer": {"type": "Dense", "units": 128, "activation": "silu"}}
    spec = build_spec([over_time, {"type": "Flatten"}, {"type": "Dense", "units": 1}], optimizer="adam", epochs=2)
    assert_same_as_fit(spec, data)


@pytest.mark.exhaustive
@pytest.mark.parametrize("activation", get_args(Activation))
def test_activations(activation):
    hidden = {"type": "Dense", "units": 256}
    layers = [hidden | {"activation": activation}, hidden, {"type": "Activation", "activation": activation}]
    spec = build_spec([*layers, {"type": "Dense", "units": 1}], optimizer="adam", epochs=2)
    assert_same_as_fit(spec, build_data())


def assert_same_as_fit(spec, data):
    outcome, observer = train_with_engine(spec, data)
    network, history = fit_with_keras(create_network_builder(spec, data)(), data, epochs=2)
    assert observer.columns() == history
    np.testing.assert_equal(outcome.network.get_weights(), network.get_weights())
