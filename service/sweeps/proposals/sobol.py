"""The method `sobol`: points of SciPy's scrambled Sobol sequence.

Each parameter of the space is a dimension, also those of options that exclude each other. SciPy is imported only when
a sweep uses the method, because that takes a second.
"""

from functools import lru_cache

from stackyard.sweep import Parameters, SearchSpace, SweepSpec

_BLOCK_SIZE = 256
"""Number of points that are computed at once: a power of 2, as the sequence is balanced only then."""


def draw(sweep: SweepSpec, space: SearchSpace, number: int) -> Parameters:
    """Return the parameters at the point of a number. The seed of the sweep scrambles the sequence."""
    dimensions = space.all_dimensions
    block, position = divmod(number, _BLOCK_SIZE)
    point = _compute_block(sweep.search.seed, len(dimensions), block)[position]
    return space.draw({dimension.key: quantile for dimension, quantile in zip(dimensions, point, strict=True)})


@lru_cache(maxsize=8)
def _compute_block(seed: int, dimension_count: int, block: int) -> list[list[float]]:
    from scipy.stats import qmc  # noqa: PLC0415  # see the docstring of the module

    engine = qmc.Sobol(dimension_count, scramble=True, rng=seed)
    if block:
        engine.fast_forward(block * _BLOCK_SIZE)
    return engine.random(_BLOCK_SIZE).tolist()
