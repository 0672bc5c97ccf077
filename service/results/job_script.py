"""Generate the Python script that trains a job with Keras alone."""

from typing import Any, cast
from uuid import UUID

from sqlalchemy.orm import Session

from models import Dataset, Job
from models.dataset import BUILTIN_MEDIA_TYPE
from service.datasets import catalog
from service.datasets.builtins import BUILTIN_PREFIX
from service.datasets.dataset_source import CSV, NPZ, PARQUET
from service.errors import Conflict
from service.jobs import queries
from stackyard.spec import JobSpec, TableDescription
from stackyard.spec.script import BuiltinName, DatasetOrigin, TableSource, write_script

_ORIGINS = {CSV: DatasetOrigin("csv"), PARQUET: DatasetOrigin("parquet"), NPZ: DatasetOrigin("npz")}


def build_script(session: Session, job_id: UUID) -> str:
    """Return the script that trains the job's network on its dataset; the job may be in any state.

    Raises:
        NotFound: there is no such job.
        Conflict: its dataset was deleted, and a script needs the dataset's columns.

    """
    job = queries.get_job_columns(
        session, job_id, Job.dataset_id, Job.test_dataset_id, Job.test_dataset_name, Job.spec, Job.ran_on, Job.backend
    )
    if job.dataset_id is None or (job.test_dataset_name is not None and job.test_dataset_id is None):
        raise Conflict("dataset_deleted", "The job's dataset was deleted, and a script needs the dataset's columns.")
    dataset = catalog.get_dataset(session, job.dataset_id)
    test = None if job.test_dataset_id is None else _build_test_source(session, job.test_dataset_id)
    spec = JobSpec.model_validate(job.spec)
    ran_on: dict[str, Any] = job.ran_on or {}
    threads = ran_on["threads"] if ran_on.get("device") == "cpu" else None
    return write_script(
        spec, catalog.parse_description(dataset), _get_origin(dataset), threads, test, job.backend.value
    )


def _build_test_source(session: Session, dataset_id: UUID) -> TableSource | None:
    dataset = catalog.get_dataset(session, dataset_id)
    description = catalog.parse_description(dataset)
    return TableSource(description, _get_origin(dataset)) if isinstance(description, TableDescription) else None


def _get_origin(dataset: Dataset) -> DatasetOrigin:
    if dataset.media_type == BUILTIN_MEDIA_TYPE:
        return DatasetOrigin(builtin=cast("BuiltinName", dataset.name.removeprefix(BUILTIN_PREFIX)))
    return _ORIGINS[dataset.media_type]
