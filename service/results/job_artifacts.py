"""The artifacts of a job: look them up and open their files."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import UUID

from sqlalchemy.orm import Session

from models import Artifact, Job, JobState
from service.errors import Conflict, CorruptFile
from service.jobs import queries
from service.storage.artifact_store import ArtifactStore

_PENDING_STATES = frozenset({JobState.QUEUED, JobState.RUNNING})


def get_artifact(session: Session, job_id: UUID, kind: str) -> Artifact:
    """Return the job's artifact of this kind.

    Raises:
        NotFound: there is no such job.
        Conflict: the job has no such artifact yet, or ended without one.

    """
    job = queries.get_job_columns(session, job_id, Job.state, Job.reason)
    row = session.get(Artifact, (job_id, kind))
    if row is not None:
        return row
    if job.state in _PENDING_STATES:
        raise Conflict(
            f"no_{kind}_yet", f"The job is {job.state.value}; its {kind} is available once it has succeeded."
        )
    explanation = f": {job.reason['message']}" if job.reason else "."
    raise Conflict(f"no_{kind}", f"The job has {job.state.value} and has no {kind}{explanation}")


@contextmanager
def open_artifact(artifact: Artifact, store: ArtifactStore) -> Generator[Path]:
    """Yield a path under which the artifact's file can be read within the block.

    Raises:
        Conflict: the file is damaged or missing.
        StorageError: the file cannot be read now.

    """
    with ExitStack() as stack:
        try:
            path = stack.enter_context(store.verified_path(artifact.sha256))
        except CorruptFile:
            message = "A file of the job is damaged and cannot be used; train the job again."
            raise Conflict(f"{artifact.kind}_damaged", message) from None
        yield path
