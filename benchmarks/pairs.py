"""Medians and ratios of alternating runs (A, B, A, B, …), which other load on the machine affects alike."""

import math
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass
class Rounds:
    """The measurements of each round by side, in one unit."""

    rounds: list[dict[str, float]] = field(default_factory=list)

    def add_round(self, measurements: Mapping[str, float]) -> None:
        """Add a round."""
        self.rounds.append(dict(measurements))

    def compute_median(self, side: str) -> float:
        """Return the median of a side over the rounds."""
        return statistics.median(round_[side] for round_ in self.rounds)

    def compute_ratio(self, numerator: str, denominator: str) -> float:
        """Return the median of the ratios within each round, whose runs directly follow each other."""
        return statistics.median(round_[numerator] / round_[denominator] for round_ in self.rounds)

    def to_document(self) -> list[dict[str, float]]:
        """Return the rounds for a results file."""
        return [{side: round_significant(value) for side, value in round_.items()} for round_ in self.rounds]


def compute_geometric_mean(ratios: Iterable[float]) -> float:
    """Return the geometric mean, the mean for ratios: that of a ratio and its inverse is 1."""
    return math.exp(statistics.fmean(math.log(ratio) for ratio in ratios))


def round_significant(value: float, digits: int = 4) -> float:
    """Round to this many significant digits; a measurement has no more."""
    return float(f"{value:.{digits}g}")
