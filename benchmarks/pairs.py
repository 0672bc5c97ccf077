"""Runs in turn (A, B, A, B, …), so that what else the machine does meets both sides alike; medians and ratios."""

import math
import statistics
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field


@dataclass
class Rounds:
    """What each round measured, by side, in one unit."""

    rounds: list[dict[str, float]] = field(default_factory=list)

    def add(self, measured: Mapping[str, float]) -> None:
        """Keep one more round."""
        self.rounds.append(dict(measured))

    def median(self, side: str) -> float:
        """A side's median over the rounds."""
        return statistics.median(one[side] for one in self.rounds)

    def ratio(self, above: str, below: str) -> float:
        """The median of the ratios within each round, of what ran one right after the other."""
        return statistics.median(one[above] / one[below] for one in self.rounds)

    def told(self) -> list[dict[str, float]]:
        """The rounds for a file."""
        return [{side: significant(value) for side, value in one.items()} for one in self.rounds]


def geometric_mean(ratios: Iterable[float]) -> float:
    """The mean for ratios: that of a ratio and its inverse is 1."""
    return math.exp(statistics.fmean(math.log(ratio) for ratio in ratios))


def significant(value: float, digits: int = 4) -> float:
    """The value with so many significant digits: a measurement has no more."""
    return float(f"{value:.{digits}g}")
