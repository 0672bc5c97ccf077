"""What a prediction needs of a job."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from models import Artifact
from service.errors import Conflict
from service.jobs import jobs
from service.prediction.protocol import StoredFile
from service.results import job_artifacts
from service.storage.artifact_store import ArtifactStore


@dataclass(frozen=True)
class Trained:
    """A job that has trained a network: its spec as it is stored, its model, and how rows become inputs."""

    spec: dict[str, Any]
    model: StoredFile
    preprocessing: StoredFile


@dataclass(frozen=True)
class Made:
    """What the database has of a job that has trained a network."""

    spec: dict[str, Any]
    model: Artifact
    preprocessing: Artifact

    @contextmanager
    def opened(self, store: ArtifactStore) -> Generator[Trained]:
        """Its files, for a block that reads them.

        Raises:
            Conflict: one of them is damaged or gone.
            StorageError: one cannot be read at this moment.

        """
        with (
            job_artifacts.opened(self.model, store) as model,
            job_artifacts.opened(self.preprocessing, store) as preprocessing,
        ):
            files = (
                StoredFile(path=str(path.resolve()), sha256=artifact.sha256)
                for path, artifact in ((model, self.model), (preprocessing, self.preprocessing))
            )
            yield Trained(self.spec, *files)


def find(session: Session, job_id: UUID) -> Made:
    """What the job's network needs to predict. Its dataset may be gone.

    Raises:
        NotFound: there is no such job.
        Conflict: it has no model, or none that came with its preprocessing.

    """
    model = job_artifacts.artifact(session, job_id, "model")
    preprocessing = session.get(Artifact, (job_id, "preprocessing"))
    if preprocessing is None:
        raise Conflict(
            "no_preprocessing",
            "The job was trained before preprocessing was kept beside the model; submit its spec again to predict.",
        )
    return Made(jobs.get(session, job_id).spec, model, preprocessing)
