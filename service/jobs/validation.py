"""Validation of a spec against its dataset, before a job is created, retried or continued."""

import secrets
from dataclasses import dataclass, field, replace
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from models import TERMINAL_STATES, Backend, Checkpoint, Dataset, Job, JobState
from service.datasets import catalog
from service.errors import Conflict, InvalidInput
from service.jobs.queries import get_job_columns
from service.tracing import read_trace_context
from stackyard.spec import (
    Advice,
    DatasetDescription,
    Fault,
    JobSpec,
    Limits,
    Report,
    Task,
    check_spec,
    remove_control_characters,
)
from stackyard.spec.training.callbacks import SwapEMAWeights

_SEED_BITS = 32
"""`keras.utils.set_random_seed` accepts NumPy's seeds: 32 bits."""


_SPEC_COLUMNS = (
    Job.project_id,
    Job.state,
    Job.spec,
    Job.spec_as_sent,
    Job.backend,
    Job.dataset_id,
    Job.dataset_name,
    Job.dataset_version,
    Job.test_dataset_id,
    Job.test_dataset_name,
    Job.test_dataset_version,
)
_NO_CHECKPOINT = (
    "The job has no checkpoint to continue from: it was too large to be kept, or too old. Submit the spec with more "
    "epochs; it trains from the beginning, with the same results."
)


@dataclass(frozen=True)
class TrialReference:
    """The place of a job in a sweep: the number of its trial, and which repeat of that trial it is, both from 0."""

    sweep_id: UUID
    number: int
    repeat: int


@dataclass(frozen=True)
class ValidatedSpec:
    """A valid spec with every default and its seed filled in, its dataset, and the results of the spec check.

    `task`, `step_flops` (floating-point operations per step) and `memory_estimate` (bytes) are those of the report.
    `retry_of` is the job that the new job repeats, and `continued_from` the one whose training it continues, or None.
    `backend` is that of this job; without one, the spec selects the backend. `trial` is its place in a sweep, or None.
    `spec_as_sent` is the JSON document of the client, or None if it is not known. `project_id` is the project of the
    new job; None stands for that of the session. `trace_context` is that of the request.
    """

    spec: JobSpec
    dataset: Dataset
    task: Task
    step_flops: int
    memory_estimate: int
    warnings: tuple[Advice, ...] = ()
    retry_of: UUID | None = None
    test_dataset: Dataset | None = None
    trial: TrialReference | None = None
    continued_from: UUID | None = None
    spec_as_sent: dict[str, Any] | None = None
    backend: Backend | None = None
    project_id: UUID | None = None
    trace_context: str | None = field(default_factory=read_trace_context)


@dataclass(frozen=True)
class DescribedDataset:
    """A dataset with its parsed description, for many checks: parsing that of a wide table takes long."""

    dataset: Dataset
    description: DatasetDescription


def describe_dataset(dataset: Dataset) -> DescribedDataset:
    """Return a dataset with its parsed description."""
    return DescribedDataset(dataset, catalog.parse_description(dataset))


def validate_spec(
    spec: JobSpec, dataset: Dataset, limits: Limits, test_dataset: Dataset | None = None
) -> ValidatedSpec:
    """Check a spec against the datasets that it names, before anything is written.

    Raises:
        SpecError: the spec is not valid; it lists every fault with its location.

    """
    described_test_dataset = None if test_dataset is None else describe_dataset(test_dataset)
    report = check_described_spec(spec, describe_dataset(dataset), limits, described_test_dataset)
    return build_validated_spec(report, dataset, test_dataset)


def check_described_spec(
    spec: JobSpec, dataset: DescribedDataset, limits: Limits, test_dataset: DescribedDataset | None = None
) -> Report:
    """Return the report on a spec for datasets whose descriptions are parsed.

    Raises:
        SpecError: as `validate_spec`.

    """
    return check_spec(spec, dataset.description, limits, None if test_dataset is None else test_dataset.description)


def build_validated_spec(report: Report, dataset: Dataset, test_dataset: Dataset | None = None) -> ValidatedSpec:
    """Return the valid spec of a report, with a seed, for the datasets that it was checked against."""
    return ValidatedSpec(
        _fill_seed(report.spec),
        dataset,
        report.task,
        report.step_flops,
        report.memory.total_bytes,
        report.warnings,
        test_dataset=test_dataset,
    )


def validate_retry(session: Session, job_id: UUID, limits: Limits) -> ValidatedSpec:
    """Check the spec of a job that has ended against its dataset and the current limits.

    Raises:
        NotFound: there is no such job.
        Conflict: the job has not ended yet, or its dataset was deleted.
        SpecError: the spec exceeds the current limits.

    """
    job = get_job_columns(session, job_id, *_SPEC_COLUMNS)
    if job.state not in TERMINAL_STATES:
        raise Conflict("not_finished", f"The job is {job.state.value}; only a job that has ended can be retried.")
    validated = _validate_stored_spec(session, job, JobSpec.model_validate(job.spec), limits)
    return replace(validated, retry_of=job_id, spec_as_sent=job.spec_as_sent)


def validate_continuation(session: Session, job_id: UUID, epochs: int, limits: Limits) -> ValidatedSpec:
    """Check the spec of a job that has succeeded for a training of so many epochs in all, which goes on from its end.

    Raises:
        NotFound: there is no such job.
        Conflict: the job has not succeeded or ended by itself, keeps no checkpoint, or its dataset was deleted.
        InvalidInput: the job has trained so many epochs already.
        SpecError: the spec exceeds the current limits.

    """
    job = get_job_columns(session, job_id, *_SPEC_COLUMNS, Job.reason)
    spec = JobSpec.model_validate(job.spec)
    _check_can_continue(job, spec)
    checkpoint = session.get(Checkpoint, job_id)
    if checkpoint is None:
        raise Conflict("no_checkpoint", _NO_CHECKPOINT)
    _check_epochs(epochs, checkpoint.epoch, limits)
    training = spec.training.model_copy(update={"epochs": epochs})
    run = spec.run.model_copy(update={"until_epoch": None})
    longer_spec = spec.model_copy(update={"training": training, "run": run})
    return replace(_validate_stored_spec(session, job, longer_spec, limits), continued_from=job_id)


def _check_can_continue(job: Any, spec: JobSpec) -> None:
    """Check that a training with more epochs would go on from the end of a job.

    Raises:
        Conflict: it would not.

    """
    if job.state is not JobState.SUCCEEDED:
        message = f"The job is {job.state.value}; only a job that has succeeded can be continued."
        raise Conflict("not_succeeded", message)
    if job.reason is not None and job.reason["code"] == "early_stopping":
        message = "EarlyStopping ended the training, and would end a longer one at the same epoch."
        raise Conflict("stopped_early", f"{message} Submit the spec with another patience.")
    if any(isinstance(callback, SwapEMAWeights) and callback.swap_on_epoch for callback in spec.training.callbacks):
        message = "SwapEMAWeights with swap_on_epoch replaces the trained weights after the last epoch."
        raise Conflict("weights_replaced", f"{message} Submit the spec with more epochs.")


def _check_epochs(epochs: int, trained_epochs: int, limits: Limits) -> None:
    """Check that so many epochs are more than a job has trained, and not too many.

    Raises:
        InvalidInput: they are not.

    """
    if trained_epochs < epochs <= limits.max_epochs:
        return
    expected = f"more than {trained_epochs}, the epochs that the job has trained"
    if epochs > limits.max_epochs:
        expected = f"at most {limits.max_epochs} epochs (limit max_epochs)"
    raise InvalidInput((Fault(pointer="/epochs", message=f"expected {expected}; received {epochs}"),))


def _validate_stored_spec(session: Session, job: Any, spec: JobSpec, limits: Limits) -> ValidatedSpec:
    """Check a spec against the datasets of the job that it comes from."""
    dataset = _get_dataset(session, job.dataset_id, job.dataset_name, job.dataset_version)
    test_dataset = None
    if job.test_dataset_name is not None:
        test_dataset = _get_dataset(session, job.test_dataset_id, job.test_dataset_name, job.test_dataset_version)
    validated = validate_spec(remove_control_characters(spec), dataset, limits, test_dataset)
    return replace(validated, project_id=job.project_id, backend=job.backend)


def _get_dataset(session: Session, dataset_id: UUID | None, name: str, version: int) -> Dataset:
    dataset = None if dataset_id is None else session.get(Dataset, dataset_id)
    if dataset is None:
        raise Conflict("dataset_deleted", f"The dataset {name}, version {version}, was deleted.")
    return dataset


def _fill_seed(spec: JobSpec) -> JobSpec:
    if spec.training.seed is not None:
        return spec
    training = spec.training.model_copy(update={"seed": secrets.randbits(_SEED_BITS)})
    return spec.model_copy(update={"training": training})
