"""Dropout's masks wait for nothing of the step before, and leave what Keras's Dropout does of any number."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.worker.engine.parts import numbers, spec
from worker.engine.optimizations.masks import Dropouts
from worker.engine.program.compiled_program import Compiled
from worker.keras_build.compilation import build_compiled
from worker.keras_build.hyperparameters import Hyperparameters

DENSE = {"type": "Dense", "units": 8}
DRAW = "StatelessRandomUniformV2"


def network(*dropouts):
    """Dense layers, each of them with a Dropout behind it."""
    layers = [layer for dropout in dropouts for layer in (DENSE, {"type": "Dropout"} | dropout)]
    made = build_compiled(spec([*layers, {"type": "Dense", "units": 1}]), (6,))
    made.optimizer.build(made.trainable_variables)
    return made


def loops(compiled):
    """The bodies of the loops in the graph that trains, by name: their nodes."""
    library = compiled._train.trace().graph.as_graph_def().library.function
    bodies = {function.signature.name: {node.name: node for node in function.node_def} for function in library}
    return [nodes for nodes in bodies.values() if DRAW in {node.op for node in nodes.values()}]


def before(nodes, name):
    """The operations that one in a loop's body waits for."""
    found, left = set(), [name]
    while left:
        one = left.pop().removeprefix("^").partition(":")[0]
        if one in nodes and one not in found:
            found.add(one)
            left += nodes[one].input
    return {nodes[one].op for one in found}


def test_the_masks_of_a_step_do_not_wait_for_the_step_before_it():
    data = numbers()
    made = network({"rate": 0.25}, {"rate": 0.5})
    (body,) = loops(Compiled(made, Hyperparameters({}), data.x_train, data.y_train, weighted=False))
    draws = [before(body, name) for name, node in body.items() if node.op == DRAW]
    assert len(draws) == 2
    steps = {node.op for node in body.values() if node.op.endswith("PartitionedCall")}
    assert steps
    assert not any(waited & steps for waited in draws)


@pytest.mark.parametrize(
    ("dropout", "foreseen"),
    [({"rate": 0.25}, 1), ({"rate": 0.0}, 0), ({"rate": 0.25, "noise_shape": [None, 1]}, 0)],
    ids=["any", "that draws nothing", "of a given shape"],
)
def test_what_is_drawn_ahead_is_what_a_plain_dropout_draws(dropout, foreseen):
    assert len(Dropouts(network(dropout)).signature) == foreseen


def test_the_layers_are_as_they_were():
    made = network({"rate": 0.25})
    config, dropouts = made.get_config(), Dropouts(made)
    layer = next(one for one in made.layers if isinstance(one, keras.layers.Dropout))
    with dropouts.given(dropouts.masks(dropouts.seeds(), 4)):
        assert "call" in vars(layer)
    assert "call" not in vars(layer)
    assert made.get_config() == config


def dropped(layer, inputs):
    """The bytes of what a layer leaves of its inputs in training, and of the gradient of the outputs times them."""
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        left = layer(inputs, training=True)
    return left.numpy().tobytes(), tape.gradient(left, inputs, output_gradients=inputs).numpy().tobytes()


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5, 0.95])
def test_what_is_dropped_is_to_the_bit_what_keras_drops(rate):
    made = network({"rate": rate})
    layer, dropouts = made.layers[1], Dropouts(made)
    draw = np.random.default_rng(0)
    numbers = draw.normal(size=(400, 8)) * 10.0 ** draw.integers(-40, 38, size=(400, 8))
    special = draw.choice([0.0, -0.0, np.inf, -np.inf, np.nan, np.nan], size=(400, 8))
    inputs = tf.constant(np.where(draw.random((400, 8)) < 0.3, special, numbers).astype("float32"))
    seeds = dropouts.seeds()
    by_keras = dropped(layer, inputs)
    assert dropouts.seeds()[0].numpy().tolist() == dropouts.after(seeds)[0].numpy().tolist()
    with dropouts.given(dropouts.masks(seeds, 400)):
        assert dropped(layer, inputs) == by_keras
