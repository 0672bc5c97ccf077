"""Convert axes that count the batch to indexes into the shape of a row, which has no batch axis."""

from stackyard.spec.check.report import Shape
from stackyard.spec.check.weights import LayerFault
from stackyard.spec.reading.json_pointers import PathSegment


def resolve_axes(axis: int | tuple[int, ...], shape: Shape) -> tuple[int, ...] | LayerFault:
    """Return the indexes into `shape` of axes that count the batch as axis 0."""
    indexes: list[int] = []
    for position, number in enumerate((axis,) if isinstance(axis, int) else axis):
        path: tuple[PathSegment, ...] = ("axis",) if isinstance(axis, int) else ("axis", position)
        batched_index = number if number >= 0 else number + len(shape) + 1
        if not 1 <= batched_index <= len(shape):
            return LayerFault(format_axis_message(number, shape), path)
        if batched_index - 1 in indexes:
            return LayerFault(f"expected each axis once, received {number} for one that is there already", path)
        indexes.append(batched_index - 1)
    return tuple(indexes)


def format_axis_message(axis: int, shape: Shape) -> str:
    """Return the message about an axis that rows of `shape` do not have."""
    rank = len(shape)
    if not rank:
        return f"expected rows of at least one axis, received single numbers and the axis {axis}"
    valid_axes = "1 or -1" if rank == 1 else f"from 1 to {rank} or from {-rank} to -1"
    received = "0, the batch" if axis in (0, -rank - 1) else str(axis)
    return f"expected an axis {valid_axes} for rows of shape {list(shape)}, received {received}"
