"""Dropout masks do not depend on the previous step, and give the bits of Keras's Dropout."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.worker.engine.sample_jobs import build_spec, draw_numbers
from worker.engine.optimizations.dropout_masks import DropoutLayers
from worker.engine.program.compiled_program import CompiledProgram
from worker.keras_build.compilation import build_compiled_network
from worker.keras_build.hyperparameters import Hyperparameters

DENSE = {"type": "Dense", "units": 8}
DRAW = "StatelessRandomUniformV2"


def build_network(*dropouts):
    """Build a network of Dense layers, each followed by a Dropout."""
    layers = [layer for dropout in dropouts for layer in (DENSE, {"type": "Dropout"} | dropout)]
    network = build_compiled_network(build_spec([*layers, {"type": "Dense", "units": 1}]), (6,))
    network.optimizer.build(network.trainable_variables)
    return network


def list_loop_bodies(compiled):
    """Return the nodes, by name, of each loop body that draws random numbers in the training graph."""
    library = compiled._train_function.trace().graph.as_graph_def().library.function
    bodies = {function.signature.name: {node.name: node for node in function.node_def} for function in library}
    return [nodes for nodes in bodies.values() if DRAW in {node.op for node in nodes.values()}]


def list_dependencies(nodes, name):
    """Return the kinds of operations that a node of a loop body depends on."""
    visited, remaining = set(), [name]
    while remaining:
        node = remaining.pop().removeprefix("^").partition(":")[0]
        if node in nodes and node not in visited:
            visited.add(node)
            remaining += nodes[node].input
    return {nodes[node].op for node in visited}


def test_masks_do_not_depend_on_the_previous_step():
    data = draw_numbers()
    network = build_network({"rate": 0.25}, {"rate": 0.5})
    (body,) = list_loop_bodies(
        CompiledProgram(network, Hyperparameters({}), data.x_train, data.y_train, has_weights=False)
    )
    draws = [list_dependencies(body, name) for name, node in body.items() if node.op == DRAW]
    assert len(draws) == 2
    steps = {node.op for node in body.values() if node.op.endswith("PartitionedCall")}
    assert steps
    assert not any(dependencies & steps for dependencies in draws)


@pytest.mark.parametrize(
    ("dropout", "count"),
    [({"rate": 0.25}, 1), ({"rate": 0.0}, 0), ({"rate": 0.25, "noise_shape": [None, 1]}, 0)],
    ids=["a usual rate", "a rate of 0", "a noise shape"],
)
def test_only_plain_dropouts_are_drawn_ahead(dropout, count):
    assert len(DropoutLayers(build_network(dropout)).signature) == count


def test_the_layers_are_restored():
    network = build_network({"rate": 0.25})
    config, dropouts = network.get_config(), DropoutLayers(network)
    layer = next(layer for layer in network.layers if isinstance(layer, keras.layers.Dropout))
    with dropouts.use_masks(dropouts.draw_masks(dropouts.read_seeds(), 4)):
        assert "call" in vars(layer)
    assert "call" not in vars(layer)
    assert network.get_config() == config


def run_layer(layer, inputs):
    """Return the bytes of a layer's outputs in training, and of the gradient with the inputs as output gradients."""
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        outputs = layer(inputs, training=True)
    return outputs.numpy().tobytes(), tape.gradient(outputs, inputs, output_gradients=inputs).numpy().tobytes()


@pytest.mark.parametrize("rate", [0.1, 0.3, 0.5, 0.95])
def test_outputs_and_gradients_are_bit_identical_to_keras(rate):
    network = build_network({"rate": rate})
    layer, dropouts = network.layers[1], DropoutLayers(network)
    draw = np.random.default_rng(0)
    numbers = draw.normal(size=(400, 8)) * 10.0 ** draw.integers(-40, 38, size=(400, 8))
    special = draw.choice([0.0, -0.0, np.inf, -np.inf, np.nan, np.nan], size=(400, 8))
    inputs = tf.constant(np.where(draw.random((400, 8)) < 0.3, special, numbers).astype("float32"))
    seeds = dropouts.read_seeds()
    expected = run_layer(layer, inputs)
    assert dropouts.read_seeds()[0].numpy().tolist() == dropouts.advance_seeds(seeds)[0].numpy().tolist()
    with dropouts.use_masks(dropouts.draw_masks(seeds, 400)):
        assert run_layer(layer, inputs) == expected
