"""What a job made, for whoever asks for it."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from uuid import UUID

from sqlalchemy.orm import Session

from models import Artifact, JobState
from service.errors import Conflict, Damaged
from service.jobs import jobs
from service.storage.artifact_store import ArtifactStore

_NOT_YET = frozenset({JobState.QUEUED, JobState.RUNNING})


def artifact(session: Session, job_id: UUID, kind: str) -> Artifact:
    """The job's artifact of this kind.

    Raises:
        NotFound: there is no such job.
        Conflict: the job has not made one yet, or ended without one.

    """
    job = jobs.get(session, job_id)
    found = session.get(Artifact, (job_id, kind))
    if found is not None:
        return found
    if job.state in _NOT_YET:
        raise Conflict(f"no_{kind}_yet", f"The job is {job.state.value}; its {kind} comes when it has succeeded.")
    because = f": {job.reason['message']}" if job.reason else "."
    raise Conflict(f"no_{kind}", f"The job has {job.state.value} and made no {kind}{because}")


@contextmanager
def opened(found: Artifact, store: ArtifactStore) -> Generator[Path]:
    """A path under which the artifact's file can be read within the block.

    Raises:
        Conflict: the file is damaged or gone.
        StorageError: it cannot be read at this moment.

    """
    with ExitStack() as stack:
        try:
            path = stack.enter_context(store.local(found.sha256))
        except Damaged:
            message = "A file that the job made is damaged, so it is not used; train it again."
            raise Conflict(f"{found.kind}_damaged", message) from None
        yield path
