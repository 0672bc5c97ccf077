"""What a prediction needs of a job."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from models import Artifact
from service import jobs, results
from service.artifacts import ArtifactStore
from service.errors import Conflict
from service.prediction.protocol import StoredFile


@dataclass(frozen=True)
class Trained:
    """A job that has trained a network: its spec as it is stored, its model, and how rows become inputs."""

    spec: dict[str, Any]
    model: StoredFile
    preprocessing: StoredFile


def find(session: Session, store: ArtifactStore, job_id: UUID) -> Trained:
    """What the job's network needs to predict. Its dataset may be gone.

    Raises:
        NotFound: there is no such job.
        Conflict: it has no model, or none that came with its preprocessing.

    """
    model = results.artifact(session, job_id, "model")
    preprocessing = session.get(Artifact, (job_id, "preprocessing"))
    if preprocessing is None:
        raise Conflict(
            "no_preprocessing",
            "The job was trained before preprocessing was kept beside the model; submit its spec again to predict.",
        )
    return Trained(jobs.get(session, job_id).spec, _file(model, store), _file(preprocessing, store))


def _file(artifact: Artifact, store: ArtifactStore) -> StoredFile:
    return StoredFile(path=str(store.path(artifact.sha256).resolve()), sha256=artifact.sha256)
