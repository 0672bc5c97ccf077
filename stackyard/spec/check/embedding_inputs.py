"""Check the inputs of an Embedding that is the first layer."""

from stackyard.spec.check.data.resolved_data import ResolvedData
from stackyard.spec.check.fault_collector import FaultCollector
from stackyard.spec.job import JobSpec
from stackyard.spec.layers import Embedding


def check_embedding_inputs(spec: JobSpec, data: ResolvedData, faults: FaultCollector) -> None:
    """Add a fault where the inputs exceed the vocabulary of a first Embedding: TensorFlow fails on the first one."""
    layer = spec.network.layers[0]
    ranges = [bounds for bounds in data.ranges if bounds is not None]
    if not isinstance(layer, Embedding) or not ranges:
        return
    minimum, maximum = min(low for low, _ in ranges), max(high for _, high in ranges)
    if minimum < 0:
        message = f"expected inputs from 0 to {layer.input_dim - 1} to look up, received some from {minimum:g}"
        faults.add(message, "network", "layers", 0)
    elif maximum >= layer.input_dim:
        message = f"expected an input_dim greater than the greatest input, {maximum:g}; received {layer.input_dim}"
        faults.add(message, "network", "layers", 0, "input_dim", fix=f"set input_dim to {int(maximum) + 1}")
