"""Dropout's masks wait for nothing but the rows; their bits are those of `test_same_bits.py`."""

import keras
import tensorflow as tf

from tests.worker.engine.parts import spec
from worker.compilation import build_compiled
from worker.engine.masks import with_early_masks


def network():
    dense, dropout = {"type": "Dense", "units": 8}, {"type": "Dropout", "rate": 0.25}
    given = dropout | {"noise_shape": [None, 1]}
    return build_compiled(spec([dense, dropout, dense, given, {"type": "Dense", "units": 1}]), (6,))


def drawn(step):
    """The operations that draw, in a graph of a step, each with the types of all that it waits for."""
    rows = [tf.TensorSpec((None, 6)), tf.TensorSpec((None, 1))]
    graph = tf.function(step, autograph=False).get_concrete_function(rows).graph
    return [before(one) for one in graph.get_operations() if one.type.startswith("StatelessRandomUniform")]


def before(operation):
    found, left = set(), [operation]
    while left:
        one = left.pop()
        if one.name not in found:
            found.add(one.name)
            left += [*(tensor.op for tensor in one.inputs), *one.control_inputs]
    graph = operation.graph
    return {graph.get_operation_by_name(name).type for name in found}


def test_a_mask_does_not_wait_for_the_layers_before_it():
    early, given = drawn(with_early_masks(network()))
    assert "MatMul" not in early
    assert "MatMul" in given  # a shape that the spec gives stays as it is
    assert all("MatMul" in waited for waited in drawn(network().train_step))


def test_the_layers_are_as_they_were():
    made = network()
    config = made.get_config()
    drawn(with_early_masks(made))
    assert made.get_config() == config
    assert [one.noise_shape for one in made.layers if isinstance(one, keras.layers.Dropout)] == [None, (None, 1)]
