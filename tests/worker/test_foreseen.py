"""Any stack of layers as the spec's own rules foresee it, held against Keras: what it makes, and what it refuses."""

import math
import os

import keras
import pytest
import tensorflow as tf
from hypothesis import HealthCheck, assume, given, settings

from stackyard.spec import SpecError
from stackyard.spec.check.fault_collector import Faults
from stackyard.spec.check.layer_stack import walk
from stackyard.spec.check.shapes import infer
from tests.worker.stacks import parsed, stack
from worker.keras_build.network import build

EXAMPLES = int(os.environ.get("STACKYARD_EXAMPLES", "50"))
"""Stacks of each kind, right and wrong, that the two properties look at."""

PROPERTY = settings(
    max_examples=EXAMPLES,
    deadline=None,
    database=None,
    derandomize="STACKYARD_EXAMPLES" not in os.environ,  # the same ones every time, until more are asked for
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)


def foreseen(documents, shape):
    """What the layers make of rows of this shape, or what is wrong with them, whatever the target may be."""
    try:
        spec = parsed(documents)
    except SpecError as error:
        return None, error.problems
    faults = Faults(spec)
    reports = walk(spec.network.layers, shape, faults)
    return None if faults.problems else reports, faults.problems


def weights(spec, shape):
    """The shapes of each layer's weights."""
    for layer in spec.network.layers:
        made, _ = infer(layer, shape)
        yield [weight.shape for weight in made.weights]
        shape = made.shape


ROOMS = (keras.layers, keras.initializers, keras.regularizers, keras.constraints)


def in_keras(value):
    """What a script makes of a document: Keras's own classes and no class of ours."""
    if isinstance(value, list):
        return [in_keras(one) for one in value]
    if not isinstance(value, dict) or "type" not in value:
        return value
    [cls] = [getattr(room, value["type"]) for room in ROOMS if hasattr(room, value["type"])]
    return cls(**{name: in_keras(one) for name, one in value.items() if name != "type"})


def embeds(layer):
    return isinstance(layer, keras.layers.Embedding) or (hasattr(layer, "layer") and embeds(layer.layer))


def tried(network, shape):
    """The network after one step of a training on three rows, layer by layer: what cannot be trained raises."""
    x = tf.ones((3, *shape))
    with tf.GradientTape() as tape:
        for layer in network.layers:
            # An embedding takes small whole numbers, which is for the data to give.
            x = layer(tf.zeros_like(x) if embeds(layer) else x, training=True)
            assert x.shape[1:] == layer.output.shape[1:], "Keras states another shape than it makes"
        loss = tf.reduce_sum(x) + sum(network.losses)
    tape.gradient(loss, [weight.value for weight in network.trainable_weights])
    for weight in network.weights:
        if weight.constraint is not None:
            weight.constraint(weight.value)
    return network


@PROPERTY
@given(stack())
def test_shapes_and_parameters_are_foreseen_exactly(drawn):
    documents, shape = drawn
    reports, _ = foreseen(documents, shape)
    assume(reports is not None)
    keras.backend.clear_session(free_memory=False)  # which takes half a second
    spec = parsed(documents)
    network = tried(build(spec.network, shape), shape)
    assert list(weights(spec, shape)) == [
        [tuple(weight.shape) for weight in layer.weights] for layer in network.layers
    ]
    theirs = [
        (
            layer.name,
            tuple(layer.output.shape[1:]),
            layer.count_params(),
            sum(math.prod(weight.shape) for weight in layer.trainable_weights),
        )
        for layer in network.layers
    ]
    ours = [(layer.name, layer.output_shape, layer.parameters, layer.trainable_parameters) for layer in reports]
    assert ours == theirs


STRICTER = (
    "share is always 1",  # softmax over one number
    "0, the batch",  # axes along which rows of a batch would mix
    "expected each axis once",
    "from 1 to",  # axes beyond the last, which Keras only finds at the first batch
    "expected null, 1 or",  # a noise_shape that does not fit, which Keras overlooks at rate 0
    "sizes, the first null or 1",
    "no fixed number of rows",  # a penalty on the rows of a batch, which only a compiled step refuses
    "windows are shorter",  # adaptive pooling, which only a compiled step refuses
    "no mask",  # Keras fits a mask to axes that it was not made for where their sizes happen to be equal
    "less than 1.0, received 1.0",  # a rate that lets nothing through, or nothing but noise
)
"""What Keras lets pass and is refused here all the same."""


@PROPERTY
@given(stack())
def test_what_is_refused_keras_refuses_too(drawn):
    documents, shape = drawn
    reports, problems = foreseen(documents, shape)
    assume(reports is None)
    assert all(problem.pointer.startswith("/network/layers/") for problem in problems)
    assume(not any(word in problem.message for problem in problems for word in STRICTER))
    keras.backend.clear_session(free_memory=False)  # which takes half a second
    with pytest.raises(Exception):  # noqa: B017, PT011  # Keras and TensorFlow raise a dozen kinds
        tried(keras.Sequential([keras.Input(shape), *in_keras(documents)]), shape)
