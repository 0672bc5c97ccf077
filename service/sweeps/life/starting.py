"""Start trials: propose parameters, check them, and store the trial with its jobs."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from models import Sweep, Trial, TrialState
from service.errors import InvalidInput, NotFound
from service.jobs.validation import ValidatedSpec
from service.sweeps.life import endings, search, trial_jobs
from service.sweeps.life.endings import Ending
from service.sweeps.life.plan import SweepPlan
from service.sweeps.life.trial_jobs import SpecValidator
from service.sweeps.life.usage import Allowance, Usage
from stackyard.spec import Fault, SpecError
from stackyard.sweep import Parameters

MAX_STARTED_TRIALS = 250
"""Number of trials that one transaction stores, because other writers wait for it."""
_MAX_STORED_FAULTS = 10


@dataclass
class Started:
    """The result of starting trials: the queued jobs by queue, and why no further trial was started.

    `has_more` says that the next transaction can start more. `ending` is set if the search is over.
    `waits_for_places` says that the owner of the sweep has as many waiting jobs as they may.
    """

    queues: Counter[str] = field(default_factory=Counter[str])
    has_more: bool = False
    ending: Ending | None = None
    waits_for_places: bool = False


@dataclass
class _Batch:
    """The trials that a transaction starts: their jobs, the usage with them, and how many more it may start.

    `has_refused` says that one of the proposals was invalid.
    """

    usage: Usage
    capacity: int
    has_refused: bool = False
    jobs: list[ValidatedSpec] = field(default_factory=list[ValidatedSpec])

    def add(self, validated_specs: Sequence[ValidatedSpec], epochs: int) -> None:
        """Add the jobs of one trial, which train so many epochs at most."""
        self.jobs += validated_specs
        self.usage = self.usage.add(1, epochs)
        self.capacity -= 1


@dataclass(frozen=True)
class Starter:
    """Starts the trials of a sweep whose row is locked in the session's transaction."""

    session: Session
    sweep: Sweep
    plan: SweepPlan
    validator: SpecValidator
    allowance: Allowance
    now: datetime

    def start_trials(self, usage: Usage, capacity: int) -> Started:
        """Start as many trials as fit, at most `capacity`."""
        started = Started()
        if bound := self.allowance.find_exhausted(usage, 1, 0):
            started.ending = endings.build_budget_ending(bound)
        if started.ending is not None or capacity <= 0:
            return started
        batch = _Batch(usage, min(capacity, MAX_STARTED_TRIALS))
        first = self.sweep.trial_count
        for parameters in self._propose_trials(batch.capacity):
            started.ending = self._store_trial(parameters, batch)
            if started.ending is not None or not batch.capacity:
                break
        else:
            started.ending = endings.build_exhausted_ending()
        stored = self.sweep.trial_count - first
        if stored >= MAX_STARTED_TRIALS:  # there may be more
            started.has_more, started.ending = True, None
        if batch.has_refused and (refusal := endings.find_endless_refusal(self.session, self.sweep)):
            started.has_more, started.ending = False, refusal
            refusal.store(self.sweep)
        started.queues = trial_jobs.insert_trial_jobs(self.session, batch.jobs)
        return started

    def _propose_trials(self, batch_size: int) -> Iterator[Parameters]:
        return search.propose_trials(
            self.session, self.sweep, self.plan, max_trials=MAX_STARTED_TRIALS, batch_size=batch_size
        )

    def _store_trial(self, parameters: Parameters, batch: "_Batch") -> Ending | None:
        """Store a trial, and add its jobs to the batch. Return an ending instead if the trial exceeds the budget."""
        try:
            validated = self.validate_trial(parameters, self.sweep.trial_count)
        except NotFound:
            return endings.build_dataset_ending()
        except SpecError as error:
            self.add_trial(parameters, faults=error.faults)
            batch.has_refused = True
            return None
        epochs = count_epochs(self.plan, validated)
        if bound := self.allowance.find_exhausted(batch.usage, 1, epochs):
            return endings.build_budget_ending(bound)
        self.add_trial(parameters, epochs=epochs)
        batch.add(validated, epochs)
        return None

    def validate_trial(self, parameters: Parameters, number: int) -> list[ValidatedSpec]:
        """Check the spec of each repeat of a trial.

        Raises:
            SpecError: a spec is not valid, or names no dataset. The faults are at pointers into the sweep.
            NotFound: a dataset was deleted since the sweep used it first.

        """
        checked = self.validator.get_checked(number) if self.plan.repeat_count == 1 else None
        if checked is not None:
            return [checked]
        specs = [self.plan.build_spec(parameters, repeat, 0) for repeat in range(self.plan.repeat_count)]
        try:
            return [self.validator.validate(spec, number, repeat) for repeat, spec in enumerate(specs)]
        except (SpecError, InvalidInput) as error:
            raise SpecError(self.plan.builder.trace_faults(parameters, SpecError(error.faults))) from None

    def add_trial(
        self,
        parameters: Parameters,
        *,
        epochs: int = 0,
        faults: Sequence[Fault] = (),
        is_from_client: bool = False,
    ) -> Trial:
        """Store a trial with the next number; with faults, an invalid one."""
        trial = Trial(
            sweep_id=self.sweep.id,
            number=self.sweep.trial_count,
            parameters=dict(parameters),
            is_from_client=is_from_client,
            proposed_after=self.sweep.report_count,
            state=TrialState.INVALID if faults else TrialState.WAITING,
            reason=_build_invalid_reason(faults) if faults else None,
            value=None,
            repeat_values=[],
            rung=0,
            reports=[],
            rerun_count=0,
            losses=0,
            epochs=epochs,
            seconds=0.0,
            created_at=self.now,
            finished_at=self.now if faults else None,
        )
        self.session.add(trial)
        self.sweep.trial_count += 1
        return trial


def count_epochs(plan: SweepPlan, validated_specs: Sequence[ValidatedSpec]) -> int:
    """Return the epochs that the jobs of a new trial train at most before they end or are held."""
    bound = plan.get_rung_epochs(0)
    epochs = [validated.spec.training.epochs for validated in validated_specs]
    return sum(number if bound is None else min(bound, number) for number in epochs)


def _build_invalid_reason(faults: Sequence[Fault]) -> dict[str, Any]:
    documents = [fault.model_dump(mode="json") for fault in faults[:_MAX_STORED_FAULTS]]
    return {"code": "invalid", "message": faults[0].message_with_fix, "errors": documents}
