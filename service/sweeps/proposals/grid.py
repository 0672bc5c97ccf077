"""The method `grid`: every combination in the order of `itertools.product`."""

from stackyard.sweep import Parameters, SearchSpace


def get_combination(space: SearchSpace, number: int) -> Parameters | None:
    """Return the combination of a number, or None beyond the last one."""
    return space.get_combination(number) if space.size is not None and number < space.size else None
