"""Compare the shapes, parameters and faults that the spec infers for random stacks of layers with Keras."""

import math
import os

import keras
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, assume, given, settings

from stackyard.spec import SpecError
from stackyard.spec.check.fault_collector import FaultCollector
from stackyard.spec.check.layer_stack import check_layers
from stackyard.spec.check.shapes import infer_layer_output
from tests.worker.layer_stacks import draw_stack, parse_layers
from worker.keras_build.network import build_network

pytestmark = pytest.mark.exhaustive

EXAMPLES = int(os.environ.get("STACKYARD_EXAMPLES", "50"))
"""Number of valid and of invalid stacks that each property tests."""

PROPERTY = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    # The same stacks in every run, unless the variable asks for more.
    derandomize="STACKYARD_EXAMPLES" not in os.environ,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)


def check_stack(documents, shape):
    """Return the reports of the layers for input rows of `shape`, or None, and the faults; the target is ignored."""
    try:
        spec = parse_layers(documents)
    except SpecError as error:
        return None, error.faults
    faults = FaultCollector(spec)
    reports = check_layers(spec.network.layers, shape, faults)
    return None if faults.faults else reports, faults.faults


def infer_weight_shapes(spec, shape):
    """Yield the shapes of each layer's weights."""
    for layer in spec.network.layers:
        output, _ = infer_layer_output(layer, shape)
        yield [weight.shape for weight in output.weights]
        shape = output.shape


KERAS_MODULES = (keras.layers, keras.initializers, keras.regularizers, keras.constraints)


def build_with_keras(value):
    """Return the Keras objects of a document, built without our code."""
    if isinstance(value, list):
        return [build_with_keras(item) for item in value]
    if not isinstance(value, dict) or "type" not in value:
        return value
    [cls] = [getattr(module, value["type"]) for module in KERAS_MODULES if hasattr(module, value["type"])]
    return cls(**{name: build_with_keras(argument) for name, argument in value.items() if name != "type"})


def is_embedding(layer):
    return isinstance(layer, keras.layers.Embedding) or (hasattr(layer, "layer") and is_embedding(layer.layer))


def train_one_step(network, shape):
    """Return the network after a training step on three rows, layer by layer; it raises if it cannot be trained."""
    x = tf.ones((3, *shape))
    with tf.GradientTape() as tape:
        for layer in network.layers:
            # An embedding needs small whole numbers as inputs.
            x = layer(tf.zeros_like(x) if is_embedding(layer) else x, training=True)
            assert x.shape[1:] == layer.output.shape[1:], "Keras's symbolic shape differs from the output"
        loss = tf.reduce_sum(x) + sum(network.losses)
    tape.gradient(loss, [weight.value for weight in network.trainable_weights])
    for weight in network.weights:
        if weight.constraint is not None:
            weight.constraint(weight.value)
    return network


@PROPERTY
@given(draw_stack())
def test_inferred_shapes_and_parameters_equal_those_of_keras(drawn):
    documents, shape = drawn
    reports, _ = check_stack(documents, shape)
    assume(reports is not None)
    keras.backend.clear_session(free_memory=False)  # freeing memory is slow
    spec = parse_layers(documents)
    network = train_one_step(build_network(spec.network, shape), shape)
    assert list(infer_weight_shapes(spec, shape)) == [
        [tuple(weight.shape) for weight in layer.weights] for layer in network.layers
    ]
    keras_reports = [
        (
            layer.name,
            tuple(layer.output.shape[1:]),
            layer.count_params(),
            sum(math.prod(weight.shape) for weight in layer.trainable_weights),
        )
        for layer in network.layers
    ]
    spec_reports = [
        (layer.name, layer.output_shape, layer.parameters, layer.trainable_parameters) for layer in reports
    ]
    assert spec_reports == keras_reports


STRICTER_THAN_KERAS = (
    "probability is always 1",  # softmax over one number
    "0, the batch",  # axes along which rows of a batch would mix
    "expected each axis once",
    "from 1 to",  # axes beyond the last, which Keras only detects in the first batch
    "expected null, 1 or",  # a noise_shape that does not fit, which Keras ignores if the rate is 0
    "sizes, the first null or 1",
    "no fixed number of rows",  # a penalty on the rows of a batch, which only a compiled step refuses
    "windows are shorter",  # adaptive pooling, which only a compiled step refuses
    "no mask",  # Keras applies a mask to other axes than its own if their sizes happen to be equal
    "less than 1.0, received 1.0",  # a rate that drops every value, or leaves only noise
)
"""Messages of faults that Keras accepts and the spec refuses."""


@PROPERTY
@given(draw_stack())
def test_keras_refuses_the_stacks_that_the_spec_refuses(drawn):
    documents, shape = drawn
    reports, faults = check_stack(documents, shape)
    assume(reports is None)
    assert all(fault.pointer.startswith("/network/layers/") for fault in faults)
    assume(not any(words in fault.message for fault in faults for words in STRICTER_THAN_KERAS))
    keras.backend.clear_session(free_memory=False)  # freeing memory is slow
    with pytest.raises(Exception):  # noqa: B017, PT011  # Keras and TensorFlow raise many types
        train_one_step(keras.Sequential([keras.Input(shape), *build_with_keras(documents)]), shape)
