"""Run the best trials again on fresh seeds, and choose the best one."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.orm import Session

from models import Sweep, SweepState, Trial, TrialState
from service.errors import InvalidInput, NotFound
from service.sweeps.life import trial_jobs
from service.sweeps.life.plan import SweepPlan
from service.sweeps.life.trial_jobs import SpecValidator
from service.sweeps.life.usage import count_fitting_trials, count_trials_by_state, load_usage
from stackyard.spec import SpecError


@dataclass
class Reruns:
    """The reruns that were started: their queued jobs by queue.

    `wait_for_places` says that others wait, because the owner of the sweep has as many waiting jobs as they may.
    """

    queues: Counter[str] = field(default_factory=Counter[str])
    wait_for_places: bool = False


@dataclass(frozen=True)
class Rerunner:
    """Starts the reruns of a sweep whose row is locked in the session's transaction, after its search."""

    session: Session
    sweep: Sweep
    plan: SweepPlan
    validator: SpecValidator

    def start_reruns(self) -> Reruns:
        """Start reruns; none if all have been started.

        The first call chooses the trials: the best ones, as many as the budget of epochs allows.
        """
        if self.sweep.state is not SweepState.RUNNING:
            return Reruns()
        if self.sweep.rerun_trials is None:
            self.sweep.rerun_trials = self._choose_trials()
        capacity = self.plan.spec.concurrency
        if capacity is not None:
            capacity -= count_trials_by_state(self.session, self.sweep.id)[TrialState.WAITING]
        pending = self._load_pending_trials()[:capacity]
        jobs_per_trial = self.plan.spec.repeats.count
        fitting = count_fitting_trials(self.session, self.sweep.owner_id, len(pending), jobs_per_trial)
        reruns = Reruns(wait_for_places=fitting < len(pending))
        for trial in pending[:fitting]:
            reruns.queues += self._rerun_trial(trial)
        return reruns

    def _choose_trials(self) -> list[int]:
        query = select_complete_trials(self.sweep, self.plan).limit(self.plan.spec.repeats.of_top)
        best = self.session.scalars(query).all()
        bound = self.plan.spec.budget.epochs
        if bound is None:
            return [trial.number for trial in best]
        left = bound - load_usage(self.session, self.sweep.id, self.plan).epochs
        chosen: list[int] = []
        for trial in best:
            left -= self.plan.build_spec(trial.parameters, 1, None).training.epochs * self.plan.spec.repeats.count
            if left >= 0:
                chosen.append(trial.number)
        return chosen

    def _load_pending_trials(self) -> Sequence[Trial]:
        query = select_complete_trials(self.sweep, self.plan).where(
            Trial.number.in_(self.sweep.rerun_trials or ()), Trial.rerun_count == 0
        )
        return self.session.scalars(query).all()

    def _rerun_trial(self, trial: Trial) -> Counter[str]:
        """Store the reruns of a trial with their jobs. A trial whose dataset was deleted keeps its value."""
        repeats = range(1, self.plan.spec.repeats.count + 1)
        try:
            validated = [
                self.validator.validate(self.plan.build_spec(trial.parameters, repeat, None), trial.number, repeat)
                for repeat in repeats
            ]
        except (SpecError, InvalidInput, NotFound):
            return Counter()
        trial.rerun_count, trial.state, trial.finished_at = len(validated), TrialState.WAITING, None
        trial.epochs += sum(item.spec.training.epochs for item in validated)
        return trial_jobs.insert_trial_jobs(self.session, validated)


def choose_best_trial(session: Session, sweep: Sweep, plan: SweepPlan) -> None:
    """Set the best trial of a sweep: after reruns, the best of the trials that were repeated."""
    if not sweep.rerun_trials:
        return
    best = session.scalars(select_complete_trials(sweep, plan).where(Trial.rerun_count > 0).limit(1)).first()
    if best is not None:
        sweep.best_trial, sweep.best_value = best.number, best.value


def select_complete_trials(sweep: Sweep, plan: SweepPlan) -> Select[Trial]:
    """Return the query for the complete trials of a sweep, the best first."""
    value: ColumnElement[float | None] = Trial.value.desc() if plan.objective.mode == "max" else Trial.value.asc()
    complete = (Trial.sweep_id == sweep.id, Trial.state == TrialState.COMPLETE, Trial.value.is_not(None))
    return select(Trial).where(*complete).order_by(value, Trial.number)
