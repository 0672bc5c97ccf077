"""Check and compute how the arguments of a target scale its numbers."""

import math

from stackyard.spec.check.fault_collector import FaultCollector
from stackyard.spec.data.data import ArrayTarget, TableTarget

_LOWER_BOUNDS = {"log": 0.0, "log1p": -1.0}
"""The number above which each transform is finite."""
_LOGARITHMS = {"log": math.log, "log1p": math.log1p}


def check_target_range(
    target: TableTarget | ArrayTarget, minimum: float | None, source: str, faults: FaultCollector
) -> None:
    """Add a fault where the transform has no result for some numbers.

    Args:
        target: Of the spec.
        minimum: The smallest number, or None if the values are no numbers.
        source: The name of the column or array in the message.
        faults: Collects the fault.
    """
    if target.transform is None:
        return
    bound = _LOWER_BOUNDS[target.transform]
    if minimum is None or minimum <= bound:
        received = "booleans or no value" if minimum is None else f"{minimum:g}"
        message = f"expected numbers above {bound:g} for {target.transform}, received {received} in {source}"
        fix = 'use "log1p", for numbers above -1' if minimum is not None and -1 < minimum <= bound else None
        faults.add(message, "data", "target", "transform", fix=fix)


def scale_bound(target: TableTarget | ArrayTarget, bound: float | None) -> float | None:
    """Return the smallest or largest target that the network is trained on, or None if it is unknown."""
    if bound is None or target.standard:
        return None
    if target.transform is not None:
        if bound <= _LOWER_BOUNDS[target.transform]:
            return None
        bound = _LOGARITHMS[target.transform](bound)
    return bound / (target.divide_by or 1)
