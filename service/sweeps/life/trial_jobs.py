"""The jobs of trials: load, validate, insert, replace and stop them."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from models import TERMINAL_STATES, Dataset, Job, JobState, Sweep
from service.datasets import catalog
from service.errors import NotFound
from service.jobs import insertion, lifecycle, validation
from service.jobs.validation import DescribedDataset, TrialReference, ValidatedSpec
from stackyard.spec import JobSpec, Limits, TableData

_LOSS_CODES = frozenset({"storage"})
"""Codes of failures of the installation, after which a job is worth repeating."""


class TrialJob(NamedTuple):
    """The columns of a job that decide about its trial."""

    id: UUID
    trial_number: int
    repeat: int
    state: JobState
    reason: dict[str, Any] | None
    epochs: int
    epochs_done: int
    spent_s: float
    started_at: datetime | None
    finished_at: datetime | None
    cancel_requested: bool

    @property
    def seconds(self) -> float:
        """The run time up to the last checkpoint or the end."""
        if self.finished_at is None or self.started_at is None:
            return self.spent_s
        return self.spent_s + max(0.0, (self.finished_at - self.started_at).total_seconds())

    @property
    def has_ended(self) -> bool:
        """Whether the state of the job is final."""
        return self.state in TERMINAL_STATES

    @property
    def is_lost(self) -> bool:
        """Whether the job failed through the installation, not through its spec or its data."""
        return self.state is JobState.FAILED and (self.reason or {}).get("code") in _LOSS_CODES

    def has_reached(self, epochs: int | None) -> bool:
        """Return whether the job has paused itself after so many epochs; None stands for the whole training."""
        code = (self.reason or {}).get("code")
        is_held = self.state is JobState.PAUSED and code == lifecycle.UNTIL_EPOCH
        return is_held and epochs is not None and self.epochs_done >= epochs


_COLUMNS = (
    Job.id,
    Job.trial_number,
    Job.repeat,
    Job.state,
    Job.reason,
    Job.epochs,
    Job.epochs_done,
    Job.spent_s,
    Job.started_at,
    Job.finished_at,
    Job.cancel_requested,
)


def load_trial_jobs(session: Session, sweep_id: UUID, numbers: Collection[int]) -> Mapping[int, list[TrialJob]]:
    """Load the jobs of trials, by trial, in the order of their repeats."""
    query = select(*_COLUMNS).where(Job.sweep_id == sweep_id, Job.trial_number.in_(numbers))
    jobs: dict[int, list[TrialJob]] = defaultdict(list)
    for row in session.execute(query.order_by(Job.trial_number, Job.repeat)):
        jobs[row.trial_number].append(TrialJob(*row))
    return jobs


class SpecValidator:
    """Checks the specs of a sweep's trials. Each reference to a dataset keeps its first version.

    Args:
        session: in a transaction that holds the lock of the sweep.
        sweep: the sweep.
        limits: bounds on each spec.
        checked_specs: the specs of the first trials, in order, if they were checked just now.

    """

    def __init__(
        self, session: Session, sweep: Sweep, limits: Limits, checked_specs: Sequence[ValidatedSpec] = ()
    ) -> None:
        self._session = session
        self._checked_specs = checked_specs
        self._sweep = sweep
        self._limits = limits
        self._datasets: dict[str, DescribedDataset] = {}

    def get_checked(self, number: int) -> ValidatedSpec | None:
        """Return the spec of the first repeat of a trial, if the caller has checked it; None otherwise."""
        if number >= len(self._checked_specs):
            return None
        checked = self._checked_specs[number]
        for ref, dataset in _list_references(checked):
            if self._sweep.datasets.setdefault(ref, str(dataset.id)) != str(dataset.id):
                return None
        self._sweep.datasets = dict(self._sweep.datasets)
        return replace(checked, trial=TrialReference(self._sweep.id, number, 0))

    def validate(self, spec: JobSpec, number: int, repeat: int) -> ValidatedSpec:
        """Check the spec of a repeat of a trial.

        Raises:
            SpecError: the spec is not valid.
            InvalidInput: there is no dataset as the spec names one.
            NotFound: the dataset was deleted since the sweep used it first.

        """
        dataset = self._find_dataset(spec.data.dataset)
        test_ref = spec.data.test_dataset if isinstance(spec.data, TableData) else None
        test_dataset = None if test_ref is None else self._find_dataset(test_ref)
        report = validation.check_described_spec(spec, dataset, self._limits, test_dataset)
        validated = validation.build_validated_spec(
            report, dataset.dataset, None if test_dataset is None else test_dataset.dataset
        )
        return replace(validated, trial=TrialReference(self._sweep.id, number, repeat))

    def _find_dataset(self, ref: str) -> DescribedDataset:
        if ref not in self._datasets:
            self._datasets[ref] = validation.describe_dataset(self._load_dataset(ref))
        return self._datasets[ref]

    def _load_dataset(self, ref: str) -> Dataset:
        known = self._sweep.datasets.get(ref)
        if known is not None:
            dataset = self._session.get(Dataset, UUID(known))
            if dataset is None:
                raise NotFound("dataset", ascii(ref[:80]))
            return dataset
        dataset = catalog.find_dataset(self._session, ref)
        self._sweep.datasets = {**self._sweep.datasets, ref: str(dataset.id)}
        return dataset


def _list_references(checked: ValidatedSpec) -> list[tuple[str, Dataset]]:
    """Return the references to datasets in a spec, with their datasets."""
    data = checked.spec.data
    references = [(data.dataset, checked.dataset)]
    if isinstance(data, TableData) and data.test_dataset is not None and checked.test_dataset is not None:
        references.append((data.test_dataset, checked.test_dataset))
    return references


def insert_trial_jobs(session: Session, validated_specs: Sequence[ValidatedSpec]) -> Counter[str]:
    """Insert queued jobs, and return their number by queue.

    Raises:
        NotFound: a dataset was deleted meanwhile.

    """
    if not validated_specs:
        return Counter()
    return Counter(job.queue for job in insertion.insert_jobs(session, validated_specs))


def replace_lost_job(session: Session, validator: SpecValidator, lost: TrialJob) -> Counter[str]:
    """Insert a job that repeats one that failed through the installation, in its place.

    Raises:
        NotFound: the dataset was deleted.

    """
    job = session.get_one(Job, lost.id)
    validated = validator.validate(JobSpec.model_validate(job.spec), lost.trial_number, lost.repeat)
    job.trial_number = job.repeat = None
    session.flush()
    return insert_trial_jobs(session, [replace(validated, retry_of=lost.id)])


def cancel_jobs(session: Session, conditions: Sequence[ColumnElement[bool]], reason: dict[str, Any]) -> None:
    """Cancel jobs: idle ones at once, running ones as soon as their workers learn of it."""
    lifecycle.transition_idle_jobs(session, conditions, to_state=JobState.CANCELLED, reason=reason)
    _request(session, conditions, cancel_requested=True)


def pause_jobs(session: Session, sweep_id: UUID) -> None:
    """Pause all jobs of a sweep: waiting ones at once, running ones after their next checkpoint."""
    conditions = [Job.sweep_id == sweep_id]
    reason = lifecycle.build_reason("sweep_paused", "Paused with its sweep.")
    lifecycle.transition_idle_jobs(session, conditions, to_state=JobState.PAUSED, reason=reason)
    _request(session, [*conditions, Job.finish_after_epochs.is_(None)], pause_requested=True)


def resume_jobs(session: Session, sweep_id: UUID, numbers: ColumnElement[bool]) -> Counter[str]:
    """Queue the paused jobs of trials again, and withdraw requests to pause running ones.

    Args:
        session: in a transaction that may write.
        sweep_id: the sweep.
        numbers: the condition on `Job.trial_number` that excludes held trials.

    Returns:
        The number of queued jobs, by queue.

    """
    conditions = [Job.sweep_id == sweep_id, numbers]
    _request(session, conditions, pause_requested=False)
    reason = lifecycle.build_reason("resumed", "Resumed with its sweep.")
    return lifecycle.transition_idle_jobs(session, conditions, to_state=JobState.QUEUED, reason=reason)


def _request(session: Session, conditions: Sequence[ColumnElement[bool]], **values: bool) -> None:
    running = select(Job.id).where(Job.state == JobState.RUNNING, *conditions).order_by(Job.id).with_for_update()
    ids = session.scalars(running).all()
    if ids:
        session.execute(
            update(Job).where(Job.id.in_(ids)).values(values), execution_options={"synchronize_session": "fetch"}
        )
