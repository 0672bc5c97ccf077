"""The artifacts of a job that a prediction needs."""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from models import Artifact, Backend, Job
from service.errors import Conflict
from service.jobs import queries
from service.prediction.protocol import StoredFile
from service.results import job_artifacts
from service.storage.artifact_store import ArtifactStore


@dataclass(frozen=True)
class OpenedArtifacts:
    """The stored spec of a job, its backend, and the verified files of its model and its preprocessing."""

    spec: dict[str, Any]
    backend: Backend
    model: StoredFile
    preprocessing: StoredFile


@dataclass(frozen=True)
class PredictionArtifacts:
    """The stored spec of a job, its backend, and the rows of its model and its preprocessing."""

    spec: dict[str, Any]
    backend: Backend
    model: Artifact
    preprocessing: Artifact

    @contextmanager
    def open_files(self, store: ArtifactStore) -> Generator[OpenedArtifacts]:
        """Yield the files, which are readable within the block.

        Raises:
            Conflict: a file is corrupt or missing.
            StorageError: a file cannot be read.

        """
        with (
            job_artifacts.open_artifact(self.model, store) as model,
            job_artifacts.open_artifact(self.preprocessing, store) as preprocessing,
        ):
            files = (
                StoredFile(path=str(path.resolve()), sha256=artifact.sha256)
                for path, artifact in ((model, self.model), (preprocessing, self.preprocessing))
            )
            yield OpenedArtifacts(self.spec, self.backend, *files)


def find_prediction_artifacts(session: Session, job_id: UUID) -> PredictionArtifacts:
    """Find the artifacts that predictions of a job need. Its dataset may be deleted.

    Raises:
        NotFound: there is no such job.
        Conflict: the job has no model, or a model without stored preprocessing.

    """
    model = job_artifacts.get_artifact(session, job_id, "model")
    preprocessing = session.get(Artifact, (job_id, "preprocessing"))
    if preprocessing is None:
        raise Conflict(
            "no_preprocessing",
            "The job was trained by a release that did not store preprocessing; submit its spec again to predict.",
        )
    job = queries.get_job_columns(session, job_id, Job.spec, Job.backend)
    return PredictionArtifacts(job.spec, job.backend, model, preprocessing)
