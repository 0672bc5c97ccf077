"""Validation of a spec against its dataset, before a job is created or retried."""

import secrets
from dataclasses import dataclass, replace
from uuid import UUID

from sqlalchemy.orm import Session

from models import TERMINAL_STATES, Dataset, Job
from service.datasets import catalog
from service.errors import Conflict
from service.jobs.queries import get_job_columns
from stackyard.spec import Advice, JobSpec, Limits, Task, check_spec, remove_control_characters

_SEED_BITS = 32
"""`keras.utils.set_random_seed` accepts NumPy's seeds: 32 bits."""


@dataclass(frozen=True)
class ValidatedSpec:
    """A valid spec with every default and its seed filled in, its dataset, and the results of the spec check.

    `task`, `step_flops` (floating-point operations per step) and `memory_estimate` (bytes) are those of the report.
    `retry_of` is the job that the new job repeats, or None.
    """

    spec: JobSpec
    dataset: Dataset
    task: Task
    step_flops: int
    memory_estimate: int
    warnings: tuple[Advice, ...] = ()
    retry_of: UUID | None = None
    test_dataset: Dataset | None = None


def validate_spec(
    spec: JobSpec, dataset: Dataset, limits: Limits, test_dataset: Dataset | None = None
) -> ValidatedSpec:
    """Check a spec against the datasets that it names, before anything is written.

    Raises:
        SpecError: the spec is not valid; it lists every fault with its location.

    """
    test_description = None if test_dataset is None else catalog.parse_description(test_dataset)
    report = check_spec(spec, catalog.parse_description(dataset), limits, test_description)
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
    job = get_job_columns(
        session,
        job_id,
        Job.state,
        Job.spec,
        Job.dataset_id,
        Job.dataset_name,
        Job.dataset_version,
        Job.test_dataset_id,
        Job.test_dataset_name,
        Job.test_dataset_version,
    )
    if job.state not in TERMINAL_STATES:
        raise Conflict("not_finished", f"The job is {job.state.value}; only a job that has ended can be retried.")
    dataset = _get_dataset(session, job.dataset_id, job.dataset_name, job.dataset_version)
    test_dataset = None
    if job.test_dataset_name is not None:
        test_dataset = _get_dataset(session, job.test_dataset_id, job.test_dataset_name, job.test_dataset_version)
    spec = remove_control_characters(JobSpec.model_validate(job.spec))
    return replace(validate_spec(spec, dataset, limits, test_dataset), retry_of=job_id)


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
