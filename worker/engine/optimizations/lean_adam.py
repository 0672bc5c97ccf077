"""Update a large weight with Adam in six passes through memory instead of twelve.

Keras's Adam consists of a dozen operations, each of which reads and writes the whole weight. Two TensorFlow kernels
combine several of them in one pass: `ResourceApplyGradientDescent` subtracts a product from a variable, and
`ResourceApplyAdagradV2` subtracts a quotient by a root.

Results are bit-identical to Keras's: the same sums, products, quotients and roots in the same order. To add a number
is to subtract it with its sign changed. Only a TensorFlow built with fused multiply-add would differ. So both updates
are compared once in a process, and Keras's own is used if they differ.
"""

import functools
from typing import Any

import keras
import numpy as np
import tensorflow as tf

# Untyped, or partly so.
_tf: Any = tf
_keras: Any = keras
_ops: Any = keras.ops

ADAMS = (keras.optimizers.Adam, keras.optimizers.AdamW)
"""Both have the same `update_step`; weight decay is applied before it."""
_COMPARED_ELEMENTS = 1003
"""Several SIMD vectors and a remainder."""


def use_lean_update(optimizer: Any) -> None:
    """Replace an Adam's update by one with fewer passes, if its results are bit-identical.

    Args:
        optimizer: any built Keras optimizer; only Adam and AdamW without `amsgrad` are changed.

    """
    if _is_supported(optimizer) and is_lean_update_identical():
        optimizer.update_step = functools.partial(_update_step, optimizer, optimizer.update_step)


def _is_supported(optimizer: Any) -> bool:
    return isinstance(optimizer, ADAMS) and not optimizer.amsgrad and not _tf.config.list_logical_devices("GPU")


def _update_step(adam: Any, keras_update: Any, gradient: Any, variable: Any, learning_rate: Any) -> None:
    """Do the same as Keras 3.15's `Adam.update_step`.

    Args:
        adam: has the momentum, the velocity and the hyperparameters.
        keras_update: its own update, for sparse gradients and for dtypes other than float32.
        gradient: of the loss, of the weight's shape.
        variable: the weight, as a Keras or TensorFlow variable.
        learning_rate: a scalar.

    """
    if isinstance(gradient, _tf.IndexedSlices) or _tf.as_dtype(variable.dtype) != _tf.float32:
        keras_update(gradient, variable, learning_rate)
        return
    index = adam._get_variable_index(variable)  # noqa: SLF001  # here and below: as Keras's own update does
    m, v = (slots[index].value for slots in (adam._momentums, adam._velocities))  # noqa: SLF001
    _add_product(m, _ops.subtract(gradient, m), adam.beta_1 - 1)
    _add_product(v, _ops.subtract(_ops.square(gradient), v), adam.beta_2 - 1)
    _tf.raw_ops.ResourceApplyAdagradV2(
        var=_get_handle(variable),
        accum=v.handle,
        lr=_correct_learning_rate(adam, learning_rate),
        epsilon=_tf.convert_to_tensor(adam.epsilon, _tf.float32),
        grad=m,
        update_slots=False,
    )


def _correct_learning_rate(adam: Any, learning_rate: Any) -> Any:
    """Return the learning rate corrected for the bias of both moments, a scalar."""
    step = _ops.cast(adam.iterations + 1, "float32")
    beta_1_power, beta_2_power = (_ops.power(_ops.cast(beta, "float32"), step) for beta in (adam.beta_1, adam.beta_2))
    return _ops.cast(learning_rate, "float32") * _ops.sqrt(1 - beta_2_power) / (1 - beta_1_power)


def _add_product(variable: Any, factor: Any, negated_factor: Any) -> None:
    """Add a product to a variable. The kernel subtracts, so one factor is passed with its sign changed."""
    alpha = _tf.convert_to_tensor(negated_factor, _tf.float32)
    _tf.raw_ops.ResourceApplyGradientDescent(var=variable.handle, alpha=alpha, delta=factor)


def _get_handle(variable: Any) -> Any:
    return variable.handle if hasattr(variable, "handle") else variable.value.handle


@functools.cache
def is_lean_update_identical() -> bool:
    """Return whether this build of TensorFlow's kernels gives the bits of Keras's own update."""
    random = np.random.default_rng(0)
    start, *gradients = (random.standard_normal(_COMPARED_ELEMENTS).astype("float32") for _ in range(4))
    return _run_updates(start, gradients, lean=True) == _run_updates(start, gradients, lean=False)


def _run_updates(start: Any, gradients: list[Any], *, lean: bool) -> bytes:
    """Return a weight, its momentum and its velocity after some updates."""
    with _tf.init_scope():
        weight = _keras.Variable(start)
        adam = _keras.optimizers.Adam(0.3, beta_1=0.87, beta_2=0.93, epsilon=1e-3)
        adam.build([weight])
        update = functools.partial(_update_step, adam, adam.update_step) if lean else adam.update_step
        for gradient in gradients:
            update(_tf.constant(gradient), weight, 0.3)
            adam.iterations.assign_add(1)
        return b"".join(variable.numpy().tobytes() for variable in (weight, *adam.variables))
