"""Choose the backend of Keras on which a job trains.

A backend that the spec names is taken. For `auto`, the rule is:

- An option that only TensorFlow has selects TensorFlow.
- The server's setting `default_backend` selects its backend, if it is not `auto`.
- A GPU selects TensorFlow, because JAX has not been measured there.
- On a CPU, a network with a convolution layer selects TensorFlow, and every other network JAX.
"""

from collections.abc import Iterator, Sequence
from typing import Literal

from stackyard.spec import layers as kinds
from stackyard.spec.check.fault_collector import FaultCollector
from stackyard.spec.check.report import BackendChoice
from stackyard.spec.job import JobSpec
from stackyard.spec.layers import Layer
from stackyard.spec.training.run import BackendSetting

_WRAPPERS = (kinds.Bidirectional, kinds.SpectralNormalization, kinds.TimeDistributed)

_LayerPath = tuple[str | int, ...]
"""The members and indices that lead from the spec to a layer."""


def choose_backend(
    spec: JobSpec, device: Literal["cpu", "gpu"] = "cpu", default: BackendSetting = "auto"
) -> BackendChoice:
    """Return the backend on which a job trains, and why.

    Args:
        spec: A parsed spec.
        device: The device that trains it.
        default: What `auto` means, unless an option of the spec needs TensorFlow. `auto` is the rule of this module.
    """
    if spec.run.backend != "auto":
        return BackendChoice(name=spec.run.backend, reason="The spec names it.")
    if any(_is_synchronized(layer) for _, layer in _iterate_layers(spec.network.layers)):
        return BackendChoice(name="tensorflow", reason="Only TensorFlow has a synchronized BatchNormalization.")
    if default != "auto":
        return BackendChoice(name=default, reason="It is the default of this server.")
    if device == "gpu":
        return BackendChoice(name="tensorflow", reason="Jobs on a GPU train on TensorFlow.")
    convolution = next(
        (layer for _, layer in _iterate_layers(spec.network.layers) if isinstance(layer, kinds.CONVOLUTIONS)), None
    )
    if convolution is not None:
        return BackendChoice(name="tensorflow", reason=f"On a CPU, TensorFlow trains {convolution.type} faster.")
    return BackendChoice(name="jax", reason="On a CPU, JAX trains networks without convolutions faster.")


def check_backend(spec: JobSpec, faults: FaultCollector) -> None:
    """Add a fault at each option that the backend of the spec does not have."""
    if spec.run.backend != "jax":
        return
    for path, layer in _iterate_layers(spec.network.layers):
        if _is_synchronized(layer):
            message = "expected false, as Keras's JAX backend does not synchronize batch normalization; received true"
            faults.add(message, *path, "synchronized", fix='set the backend in "run" to "tensorflow"')


def _is_synchronized(layer: object) -> bool:
    return isinstance(layer, kinds.BatchNormalization) and layer.synchronized


def _iterate_layers(layers: Sequence[Layer]) -> Iterator[tuple[_LayerPath, Layer]]:
    """Yield the path of each layer and the layer; a wrapped one after its wrapper."""
    for index, layer in enumerate(layers):
        path: _LayerPath = ("network", "layers", index)
        yield path, layer
        if isinstance(layer, _WRAPPERS):  # a wrapper does not wrap another one
            yield (*path, "layer"), layer.layer
