"""What training changes: a network's weights and seeds, its optimizer's variables, and its metrics'."""

from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import tensorflow as tf

from worker.engine.snapshot import CheckpointError
from worker.preparation.arrays import Array

_tf: Any = tf  # which carries no types


def copy(source: Any, target: Any) -> None:
    """Give one network the state of another of the same architecture; both compiled, their optimizers built."""
    _set(target, _read(source))


@contextmanager
def kept(network: Any) -> Generator[None]:
    """Whatever is done to a network within this block, its state is afterwards what it was before."""
    before = _read(network)  # what writes to a variable leaves alone a tensor that was read of it
    try:
        yield
    finally:
        _set(network, before)


def copy_loss(source: Any, target: Any) -> None:
    """Give one network the mean loss that another has come to in its epoch."""
    for mine, theirs in zip(target.metrics[0].variables, source.metrics[0].variables, strict=True):
        mine.assign(theirs)


def size(network: Any) -> int:
    """Return how many bytes the state takes."""
    return size_of(_variables(network))


def size_of(variables: Iterable[Any]) -> int:
    """Return how many bytes some of Keras's variables take."""
    return sum(variable.value.dtype.size * variable.value.shape.num_elements() for variable in variables)


def arrays(network: Any, *, metrics: bool) -> dict[str, Array]:
    """Return the state by names that every network of the architecture has, and that of the metrics if wanted."""
    return {name: np.asarray(variable.value.numpy()) for name, variable in _named(network, metrics=metrics).items()}


def assign(network: Any, kept: Mapping[str, Array], *, metrics: bool) -> None:
    """Give a network the state that `arrays` returned.

    Raises:
        CheckpointError: it is that of another architecture; nothing was assigned.

    """
    variables = _named(network, metrics=metrics)
    if {name: _kind(variable) for name, variable in variables.items()} != {
        name: (array.shape, array.dtype) for name, array in kept.items() if name.startswith(_OURS)
    }:
        raise CheckpointError("The variables that were kept are not those of this network.")
    for name, variable in variables.items():
        variable.assign(kept[name])


def is_sound(kept: Mapping[str, Array]) -> bool:
    """Return whether all weights are finite."""
    weights = (array for name, array in kept.items() if name.startswith("network/"))
    return all(bool(np.isfinite(array).all()) for array in weights)


_OURS = ("network/", "optimizer/", "metrics/")


def _named(network: Any, *, metrics: bool) -> dict[str, Any]:
    """The variables by their places: Keras's own names are not always different."""
    parts: dict[str, list[Any]] = {
        "network": network.variables,
        "optimizer": network.optimizer.variables,
        "metrics": network.metrics_variables if metrics else [],
    }
    return {f"{part}/{place}": one for part, variables in parts.items() for place, one in enumerate(variables)}


def _kind(variable: Any) -> tuple[tuple[int, ...], Any]:
    return tuple(variable.shape), np.dtype(variable.dtype)


def _variables(network: Any) -> list[Any]:
    return [*network.variables, *network.optimizer.variables]


def _read(network: Any) -> list[Any]:
    return [
        _tf.raw_ops.ReadVariableOp(resource=one.value.handle, dtype=one.value.dtype) for one in _variables(network)
    ]


def _set(network: Any, values: Iterable[Any]) -> None:
    for variable, value in zip(_variables(network), values, strict=True):
        # What Keras's own `assign` comes to, which takes a tenth of a millisecond for each.
        _tf.raw_ops.AssignVariableOp(resource=variable.value.handle, value=value)
