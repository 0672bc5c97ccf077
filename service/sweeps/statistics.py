"""Statistics of repeats: means, their confidence intervals, and paired differences to the best trial."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import fmean, stdev

CONFIDENCE = 0.95
"""The probability with which an interval contains the true mean."""


@dataclass(frozen=True)
class Estimate:
    """The mean of `n` values, and its 95 % interval by Student's t; without an interval for a single value."""

    n: int
    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class PairedDifference:
    """The difference of a trial to another one over the repeats that both have: positive if its values are greater.

    `is_distinguishable` says whether the interval does not contain 0; None with fewer than two common repeats.
    """

    difference: Estimate
    is_distinguishable: bool | None


def estimate_mean(values: Sequence[float]) -> Estimate | None:
    """Return the mean of values and its interval; None without values."""
    if not values:
        return None
    mean, n = fmean(values), len(values)
    if n == 1:
        return Estimate(n, mean, None, None)
    margin = _compute_t_quantile(n - 1) * stdev(values) / math.sqrt(n)
    return Estimate(n, mean, mean - margin, mean + margin)


def compare_pairs(values: Mapping[int, float], others: Mapping[int, float]) -> PairedDifference | None:
    """Compare two trials whose repeats share their seeds.

    Args:
        values: The values of one trial by the number of the repeat.
        others: Those of the other one.

    Returns:
        The mean of the differences, or None without a common repeat.

    """
    common = sorted(values.keys() & others.keys())
    difference = estimate_mean([values[repeat] - others[repeat] for repeat in common])
    if difference is None:
        return None
    if difference.low is None or difference.high is None:
        return PairedDifference(difference, None)
    return PairedDifference(difference, not difference.low <= 0 <= difference.high)


@cache
def _compute_t_quantile(degrees_of_freedom: int) -> float:
    from scipy.special import stdtrit  # noqa: PLC0415  # importing SciPy takes half a second

    return float(stdtrit(degrees_of_freedom, (1 + CONFIDENCE) / 2))
