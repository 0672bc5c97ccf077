"""The state that training changes: weights and seeds of the network, and variables of its optimizer and metrics."""

import math
from collections.abc import Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from worker.engine.backend.selection import load_backend
from worker.engine.snapshot import CheckpointError
from worker.preparation.arrays import Array

_PREFIXES = ("network/", "optimizer/", "metrics/")


def copy_state(source: Any, target: Any) -> None:
    """Copy the state of a network to another of the same architecture; both compiled, with built optimizers."""
    backend = load_backend()
    backend.write_values(_list_variables(target), backend.read_values(_list_variables(source)))


@contextmanager
def preserve_state(network: Any) -> Generator[None]:
    """Restore the network's state at the end of the block."""
    backend, variables = load_backend(), _list_variables(network)
    values = backend.read_values(variables)
    try:
        yield
    finally:
        backend.write_values(variables, values)


def copy_loss(source: Any, target: Any) -> None:
    """Copy the mean loss over the epoch so far."""
    for target_variable, source_variable in zip(target.metrics[0].variables, source.metrics[0].variables, strict=True):
        target_variable.assign(source_variable)


def measure_state(network: Any) -> int:
    """Return the size of the state in bytes."""
    return measure_variables(_list_variables(network))


def measure_variables(variables: Iterable[Any]) -> int:
    """Return the total size of Keras variables in bytes."""
    return sum(np.dtype(variable.dtype).itemsize * math.prod(variable.shape) for variable in variables)


def read_arrays(network: Any, *, metrics: bool) -> dict[str, Array]:
    """Return the state by names that depend on the architecture only, optionally with the state of the metrics."""
    backend, variables = load_backend(), _name_variables(network, metrics=metrics)
    return {name: backend.read_array(variable) for name, variable in variables.items()}


def load_arrays(network: Any, arrays: Mapping[str, Array], *, metrics: bool) -> None:
    """Load the state that `read_arrays` returned.

    Raises:
        CheckpointError: the state is of another architecture; nothing was loaded.

    """
    variables = _name_variables(network, metrics=metrics)
    if {name: _get_shape_and_dtype(variable) for name, variable in variables.items()} != {
        name: (array.shape, array.dtype) for name, array in arrays.items() if name.startswith(_PREFIXES)
    }:
        raise CheckpointError("The variables in the checkpoint are not those of this network.")
    for name, variable in variables.items():
        variable.assign(arrays[name])


def has_finite_weights(arrays: Mapping[str, Array]) -> bool:
    """Return whether all weights are finite."""
    weights = (array for name, array in arrays.items() if name.startswith("network/"))
    return all(bool(np.isfinite(array).all()) for array in weights)


def _name_variables(network: Any, *, metrics: bool) -> dict[str, Any]:
    """Return the variables by their indices, since Keras's own names are not unique."""
    groups: dict[str, list[Any]] = {
        "network": network.variables,
        "optimizer": network.optimizer.variables,
        "metrics": network.metrics_variables if metrics else [],
    }
    return {
        f"{group}/{index}": variable for group, variables in groups.items() for index, variable in enumerate(variables)
    }


def _get_shape_and_dtype(variable: Any) -> tuple[tuple[int, ...], Any]:
    return tuple(variable.shape), np.dtype(variable.dtype)


def _list_variables(network: Any) -> list[Any]:
    return [*network.variables, *network.optimizer.variables]
