"""Axes that count the batch, of rows that do not."""

from stackyard.spec.check.report import Shape
from stackyard.spec.check.weights import Fault
from stackyard.spec.reading.json_pointers import Step


def positions(axis: int | tuple[int, ...], shape: Shape) -> tuple[int, ...] | Fault:
    """Return axes that count the batch as positions in `shape`, which does not."""
    found: list[int] = []
    for index, one in enumerate((axis,) if isinstance(axis, int) else axis):
        at: tuple[Step, ...] = ("axis",) if isinstance(axis, int) else ("axis", index)
        place = one if one >= 0 else one + len(shape) + 1
        if not 1 <= place <= len(shape):
            return Fault(axis_message(one, shape), at)
        if place - 1 in found:
            return Fault(f"expected each axis once, received {one} for one that is there already", at)
        found.append(place - 1)
    return tuple(found)


def axis_message(axis: int, shape: Shape) -> str:
    """Return what to say about an axis that rows of `shape` do not have."""
    rank = len(shape)
    if not rank:
        return f"expected rows of at least one axis, received single numbers and the axis {axis}"
    known = "1 or -1" if rank == 1 else f"from 1 to {rank} or from {-rank} to -1"
    received = "0, the batch" if axis in (0, -rank - 1) else str(axis)
    return f"expected an axis {known} for rows of shape {list(shape)}, received {received}"
