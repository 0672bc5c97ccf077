"""Samples of a search space: its center, its corners and random draws."""

from collections.abc import Iterator
from itertools import count, islice

from service.sweeps.proposals import listed, random_draws
from stackyard.sweep import Dimension, Parameters, SearchSpace, SweepSpec
from stackyard.sweep.json_values import encode_canonically

MAX_SAMPLES = 200
_MAX_CORNERS = 60
"""Number of samples that are corners, so that most samples of a large space are random."""
_MAX_DUPLICATES = 50
"""Number of samples in a row that may repeat earlier ones before no more are drawn."""


def sample_parameters(sweep: SweepSpec, space: SearchSpace) -> Iterator[Parameters]:
    """Yield different parameters: all specs of a list, all combinations of a small space, or else `MAX_SAMPLES`."""
    if sweep.method == "list":
        yield from (listed.get_spec_index(sweep, number) or {} for number in range(len(sweep.specs)))
    elif space.size is not None and space.size <= MAX_SAMPLES:
        yield from (space.get_combination(index) for index in range(space.size))
    else:
        yield from islice(_iterate_samples(sweep, space), MAX_SAMPLES)


def _iterate_samples(sweep: SweepSpec, space: SearchSpace) -> Iterator[Parameters]:
    """Yield different corners and random draws in turn, so that their shares stay the same if fewer are checked."""
    seen: set[str] = set()
    corners = islice(_iterate_corners(space), _MAX_CORNERS)
    duplicates = 0
    for number in count():
        for parameters in (*islice(corners, 1), random_draws.draw(sweep, space, number)):
            duplicates += 1
            if (text := encode_canonically(parameters)) not in seen:
                duplicates = 0
                seen.add(text)
                yield parameters
        if duplicates >= _MAX_DUPLICATES:
            return


def _iterate_corners(space: SearchSpace) -> Iterator[Parameters]:
    """Yield the center, the two ends of all parameters, and the ends of each parameter with the others in the middle.

    For a choice, every option comes once.
    """
    center = {dimension.key: 0.5 for dimension in space.all_dimensions}
    yield space.draw(center)
    yield space.draw(dict.fromkeys(center, 0.0))
    yield space.draw(dict.fromkeys(center, 1.0))
    for dimension, chosen in _iterate_paths(space.dimensions, {}):
        for quantile in _list_ends(dimension):
            yield space.draw(center | chosen | {dimension.key: quantile})


def _iterate_paths(
    dimensions: tuple[Dimension, ...], chosen: dict[str, float]
) -> Iterator[tuple[Dimension, dict[str, float]]]:
    """Yield every dimension with the quantiles that choose the options above it."""
    for dimension in dimensions:
        yield dimension, chosen
        for index, option in enumerate(dimension.options):
            quantile = (index + 0.5) / len(dimension.options)
            yield from _iterate_paths(option.dimensions, {**chosen, dimension.key: quantile})


def _list_ends(dimension: Dimension) -> list[float]:
    options = len(dimension.options)
    return [(index + 0.5) / options for index in range(options)] if options else [0.0, 1.0]
