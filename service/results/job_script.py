"""A job as a Python script of stock Keras."""

from typing import cast
from uuid import UUID

from sqlalchemy.orm import Session

from models.dataset import BUILTIN_MEDIA_TYPE
from service.datasets import catalog
from service.datasets.builtins import PREFIX
from service.datasets.dataset_source import CSV, NPZ, PARQUET
from service.errors import Conflict
from service.jobs import jobs
from stackyard.spec import JobSpec
from stackyard.spec.script import Builtin, Origin, write

_ORIGINS = {CSV: Origin("csv"), PARQUET: Origin("parquet"), NPZ: Origin("npz")}


def script(session: Session, job_id: UUID) -> str:
    """The script that trains what the job trains, in whatever state the job is.

    Raises:
        NotFound: there is no such job.
        Conflict: its dataset has been deleted, without whose columns there is no script.

    """
    job = jobs.get(session, job_id)
    if job.dataset_id is None:
        raise Conflict("dataset_deleted", "The job's dataset has been deleted, and with it what its columns are.")
    dataset = catalog.get(session, job.dataset_id)
    if dataset.media_type == BUILTIN_MEDIA_TYPE:
        origin = Origin(builtin=cast("Builtin", dataset.name.removeprefix(PREFIX)))
    else:
        origin = _ORIGINS[dataset.media_type]
    spec = JobSpec.model_validate(job.spec)
    ran_on = job.ran_on or {}
    threads = ran_on["threads"] if ran_on.get("device") == "cpu" else None
    return write(spec, catalog.description(dataset), origin, threads)
