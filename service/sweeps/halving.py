"""Successive halving by promotion: which trials go on from their rung, and which ones never will."""

import math
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from stackyard.sweep import ResolvedObjective


@dataclass(frozen=True)
class RungResult:
    """The value of a trial at a rung, by the index of the rung in `list_rungs`; the last one is a complete training.

    `value` is None without a finite value. A trial that diverged on its way to the rung has such a result, too.
    """

    trial: int
    rung: int
    value: float | None


@dataclass(frozen=True)
class HalvingDecision:
    """What happens to the held trials; those that are in neither tuple stay held.

    Attributes:
        promoted: The trials that go on, each with the index of the next rung. The most advanced are first.
        halted: The trials that never go on.

    """

    promoted: tuple[tuple[int, int], ...]
    halted: tuple[int, ...]


def decide_rungs(
    objective: ResolvedObjective,
    eta: int,
    results: Iterable[RungResult],
    held: Collection[int],
    *,
    max_trials: int | None = None,
    is_over: bool = False,
) -> HalvingDecision:
    """Decide which held trials go on to the next rung.

    At each rung, the best 1/`eta` of the trials that have reached it go on, those without a finite value never. Trials
    are compared at the same rung; of equal values, the lower number is the better one. The decision depends only on
    the arguments, in any order.

    Args:
        objective: The direction that is better.
        eta: The share that goes on is 1/`eta`.
        results: The values of all trials at all rungs that they have reached.
        held: The trials that wait at their last rung.
        max_trials: The number of trials of the whole sweep, if it is known. Then a trial is halted as soon as it
            cannot become one of the best.
        is_over: Whether no trial runs and no new one begins. Then the best held trial goes on if no other trial came
            further, so that one becomes complete. Otherwise all held trials are halted.

    """
    ladder = _Ladder(objective, eta, results, held)
    promoted = ladder.list_promotable()
    if is_over and not promoted:
        promoted = ladder.find_furthest()
        going_on = {trial for trial, _ in promoted}
        return HalvingDecision(promoted, () if promoted else tuple(sorted(set(held) - going_on)))
    going_on = {trial for trial, _ in promoted}
    halted = [trial for trial in held if trial not in going_on and ladder.is_out(trial, max_trials)]
    return HalvingDecision(promoted, tuple(sorted(halted)))


class _Ladder:
    """The rungs with their trials, the best first."""

    def __init__(
        self, objective: ResolvedObjective, eta: int, results: Iterable[RungResult], held: Collection[int]
    ) -> None:
        ordered = sorted(results, key=lambda result: (objective.sort_key(result.value), result.trial))
        self._eta = eta
        self._counts = Counter(result.rung for result in ordered)
        self._rankings: Mapping[int, Sequence[int]] = _rank_trials(ordered)
        self._last_rungs = _find_last_rungs(ordered, held)

    def list_promotable(self) -> tuple[tuple[int, int], ...]:
        """Return the held trials among the best of their rung, each with the next rung, the highest rungs first."""
        return tuple(
            (trial, rung + 1)
            for rung in sorted(self._rankings, reverse=True)
            for trial in self._rankings[rung][: self._counts[rung] // self._eta]
            if self._last_rungs.get(trial) == rung
        )

    def find_furthest(self) -> tuple[tuple[int, int], ...]:
        """Return the best held trial at the highest rung with a finite value; empty if it is not held there."""
        highest = max(self._rankings, default=None)
        if highest is None:
            return ()
        best = next((trial for trial in self._rankings[highest] if self._last_rungs.get(trial) == highest), None)
        return () if best is None else ((best, highest + 1),)

    def is_out(self, trial: int, max_trials: int | None) -> bool:
        """Return whether a held trial cannot go on any more, however the others turn out."""
        rung = self._last_rungs.get(trial)
        if rung is None or trial not in self._rankings.get(rung, ()):
            return True
        if max_trials is None:
            return False
        max_promotions = max_trials // self._eta ** (rung + 1)
        return self._rankings[rung].index(trial) >= max(max_promotions, self._eta)


def _rank_trials(ordered: Iterable[RungResult]) -> dict[int, list[int]]:
    """Return the trials of each rung in their order, without those that have no finite value."""
    rankings: defaultdict[int, list[int]] = defaultdict(list)
    for result in ordered:
        if result.value is not None and math.isfinite(result.value):
            rankings[result.rung].append(result.trial)
    return dict(rankings)


def _find_last_rungs(results: Iterable[RungResult], held: Collection[int]) -> dict[int, int]:
    last_rungs: dict[int, int] = {}
    for result in results:
        if result.trial in held:
            last_rungs[result.trial] = max(result.rung, last_rungs.get(result.trial, 0))
    return last_rungs
