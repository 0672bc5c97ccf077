"""The method `random`: independent draws from the distributions of all parameters."""

from random import Random

from stackyard.sweep import Parameters, SearchSpace, SweepSpec, derive_seed


def draw(sweep: SweepSpec, space: SearchSpace, number: int, attempt: int = 0) -> Parameters:
    """Return the draw of a number. Further attempts differ from the first one."""
    random = Random(derive_seed("random", sweep.search.seed, number, attempt))  # noqa: S311  # reproducible, not secret
    return space.draw({dimension.key: random.random() for dimension in space.all_dimensions})
