"""The numbers that an Embedding looks up."""

from stackyard.spec.check.data.inputs import Inputs
from stackyard.spec.check.fault_collector import Faults
from stackyard.spec.job import JobSpec
from stackyard.spec.layers import Embedding


def examine_vocabulary(spec: JobSpec, inputs: Inputs, faults: Faults) -> None:
    """Note inputs that an Embedding, as the first layer, has no vector for: TensorFlow fails on them at its first."""
    first = spec.network.layers[0]
    known = [bounds for bounds in inputs.ranges if bounds is not None]
    if not isinstance(first, Embedding) or not known:
        return
    least, greatest = min(low for low, _ in known), max(high for _, high in known)
    if least < 0:
        message = f"expected inputs from 0 to {first.input_dim - 1} to look up, received some from {least:g}"
        faults.add(message, "network", "layers", 0)
    elif greatest >= first.input_dim:
        message = f"expected an input_dim greater than the greatest input, {greatest:g}; received {first.input_dim}"
        faults.add(message, "network", "layers", 0, "input_dim", fix=f"set input_dim to {int(greatest) + 1}")
