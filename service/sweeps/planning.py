"""How many trials, jobs and epochs a sweep runs, and how long that takes."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

from sqlalchemy.orm import Session

from service.jobs import estimates
from service.queue import placement, worker_registry
from service.sweeps.sweep_report import Duration, Plan, Rung
from stackyard.sweep import SearchSpace, SweepSpec, list_sweep_rungs


@dataclass(frozen=True)
class CheckedSample:
    """A sampled trial whose spec is valid: the key of its architecture, its epochs and its device."""

    architecture: str
    epochs: int
    device: str


def plan_sweep(sweep: SweepSpec, space: SearchSpace, samples: Sequence[CheckedSample]) -> Plan:
    """Return how much a sweep runs. The epochs of the samples stand for those of all trials."""
    epochs_per_job = fmean(sample.epochs for sample in samples)
    rungs = list_sweep_rungs(sweep)
    trials = _count_trials(sweep, space, epochs_per_job)
    if trials is None:
        return Plan(None, None, sweep.budget.epochs, [Rung(epoch, 0) for epoch in rungs])
    repeats, reruns = sweep.repeats, 0
    if repeats.of_top is not None:
        reruns = min(repeats.of_top, trials) * repeats.count
    jobs_per_trial = 1 if repeats.of_top is not None else repeats.count
    table = _list_rungs(sweep, rungs, trials)
    search_epochs = _count_rung_epochs(table) if table else trials * epochs_per_job
    epochs = round(search_epochs * jobs_per_trial + reruns * epochs_per_job)
    bounded_epochs = epochs if sweep.budget.epochs is None else min(epochs, sweep.budget.epochs)
    return Plan(trials, trials * jobs_per_trial + reruns, bounded_epochs, table)


def _count_trials(sweep: SweepSpec, space: SearchSpace, epochs_per_job: float) -> int | None:
    bounds = [sweep.budget.trials, len(sweep.specs) or None]
    if sweep.method not in ("list", "external"):
        bounds.append(space.size)
    if sweep.budget.epochs is not None and sweep.halving is None and sweep.repeats.of_top is None:
        bounds.append(max(1, int(sweep.budget.epochs / (epochs_per_job * sweep.repeats.count))))
    known = [bound for bound in bounds if bound is not None]
    return min(known) if known else None


def _list_rungs(sweep: SweepSpec, rungs: Sequence[int], trials: int) -> list[Rung]:
    if sweep.halving is None:
        return []
    return [Rung(epoch, max(1, trials // sweep.halving.eta**index)) for index, epoch in enumerate(rungs)]


def _count_rung_epochs(table: Sequence[Rung]) -> int:
    earlier = [0, *(rung.epoch for rung in table)]
    return sum(rung.trials * (rung.epoch - start) for rung, start in zip(table, earlier, strict=False))


def estimate_duration(
    session: Session, sweep: SweepSpec, plan: Plan, samples: Sequence[CheckedSample]
) -> Duration | None:
    """Estimate how long a sweep takes, from past runs of its architectures; None without any."""
    if plan.epochs is None:
        return None
    device = Counter(sample.device for sample in samples).most_common(1)[0][0]
    queue = placement.choose_queue(session, device)
    architectures = [key for key, _ in Counter(sample.architecture for sample in samples).most_common()]
    runs = estimates.load_past_runs(session, queue, architectures)
    durations = [
        (estimates.estimate_duration(runs.get(sample.architecture, ()), sample.epochs), sample.epochs)
        for sample in samples
    ]
    speeds = [seconds / epochs for seconds, epochs in durations if seconds is not None]
    if not speeds:
        return None
    training_s = fmean(speeds) * plan.epochs
    if sweep.budget.seconds is not None:
        training_s = min(training_s, sweep.budget.seconds)
    slots = min(worker_registry.count_slots_by_queue(session).get(queue, 0), sweep.concurrency or plan.jobs or 1)
    return Duration(training_s, training_s / slots if slots else None, len(speeds) / len(samples))
