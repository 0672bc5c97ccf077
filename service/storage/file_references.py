"""Which files are somebody's, and the end of those that are nobody's.

A row names a file by its SHA-256. Whoever removes such a row discards the file in the same transaction; some time
later `collect` removes those that nobody names by then. Whoever names a file adopts it in the same transaction. The
row in `discarded_files` is what the two of them take turns at, so that a file is never taken from under a row.
"""

import time
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta
from itertools import islice
from uuid import UUID

import structlog
from sqlalchemy import Select, delete, select, true, update
from sqlalchemy.orm import Session

from models import Artifact, Checkpoint, Dataset, DiscardedFile
from models.dataset import BUILTIN_MEDIA_TYPE
from service.db.database import Sessions, now, upsert
from service.errors import FileGone, StorageError
from service.storage.artifact_store import ArtifactStore, Stored

_AT_ONCE = 20
"""Files that are removed in one transaction: it may make a publisher wait."""
_ROUND = 1000
"""Files that are removed in one round, so that it ends."""
_LOOKED_UP = 500

log = structlog.get_logger()


def discard(session: Session, sha256s: Iterable[str]) -> None:
    """Take note that a row that named these files goes in this transaction; others may name them still."""
    moment = now(session)
    for batch in _batches(sorted(set(sha256s))):
        upsert(session, DiscardedFile, [{"sha256": sha256, "discarded_at": moment} for sha256 in batch])


def discard_of_jobs(session: Session, job_ids: Sequence[UUID]) -> None:
    """Discard every file of some jobs, whose rows go in this transaction and are locked in it already."""
    for owned in (Artifact, Checkpoint):
        discard(session, session.scalars(select(owned.sha256).where(owned.job_id.in_(job_ids))))


def adopt(session: Session, files: Iterable[Stored]) -> None:
    """Keep files that a row of this transaction names from being taken away.

    Raises:
        FileGone: one was taken away already, after it had been stored and before now.

    """
    stored = sorted(files, key=lambda file: file.sha256)
    # Waits for a `collect` that is about to remove one of them; what it leaves is there for good.
    for file in stored:
        session.execute(delete(DiscardedFile).where(DiscardedFile.sha256 == file.sha256))
    for file in stored:
        if not file.is_there():
            raise FileGone(file.sha256)


def named(session: Session, among: Sequence[str] | None = None) -> frozenset[str]:
    """The SHA-256 of every file that some row names.

    Args:
        session: to look in.
        among: where given, of these alone.

    """
    found: set[str] = set()
    uploaded = Dataset.media_type != BUILTIN_MEDIA_TYPE  # the others lie in no store
    for table, condition in ((Artifact, true()), (Checkpoint, true()), (Dataset, uploaded)):
        query = select(table.sha256).where(condition)
        found.update(session.scalars(query if among is None else query.where(table.sha256.in_(among))))
    return frozenset(found)


def collect(sessions: Sessions, store: ArtifactStore, *, grace_s: float) -> int:
    """Remove files that were discarded a while ago and that nobody names. Any number of processes may do this at once.

    Args:
        sessions: of the installation's database.
        store: where the files are.
        grace_s: seconds for which a discarded file stays, as does one that was stored again: longer than a file waits,
            once stored, for the transaction that names it.

    Returns:
        How many files went.

    """
    removed = 0
    for _ in range(_ROUND // _AT_ONCE):
        with sessions.read() as session:
            due = session.scalar(_due(session, grace_s).limit(1)) is not None
        if not due:
            break
        with sessions.begin() as session:
            removed += _collect_some(session, store, grace_s)
    return removed


def sweep(sessions: Sessions, store: ArtifactStore, *, young_s: float) -> int:
    """Discard what lies in the store and is nobody's: a process was killed between storing it and naming it.

    Args:
        sessions: of the installation's database.
        store: where the files are.
        young_s: seconds for which a file is left alone after it was stored.

    Returns:
        How many files that were.

    """
    before = time.time() - young_s
    store.clear_incoming(before=before)
    discarded = 0
    for batch in _batches(store.strays(before=before)):
        with sessions.begin() as session:
            strays = set(batch) - named(session, batch)
            strays -= set(session.scalars(select(DiscardedFile.sha256).where(DiscardedFile.sha256.in_(batch))))
            discard(session, strays)
        discarded += len(strays)
    return discarded


def _due(session: Session, grace_s: float) -> Select[str]:
    horizon = now(session) - timedelta(seconds=grace_s)
    due = select(DiscardedFile.sha256).where(DiscardedFile.discarded_at <= horizon)
    return due.order_by(DiscardedFile.discarded_at)


def _collect_some(session: Session, store: ArtifactStore, grace_s: float) -> int:
    due = session.scalars(_due(session, grace_s).limit(_AT_ONCE).with_for_update(skip_locked=True)).all()
    somebodys = named(session, due)
    gone = [sha256 for sha256 in due if sha256 not in somebodys and _is_gone(store, sha256, grace_s)]
    done = somebodys.union(gone)
    later = [sha256 for sha256 in due if sha256 not in done]
    session.execute(delete(DiscardedFile).where(DiscardedFile.sha256.in_(done)))
    session.execute(update(DiscardedFile).where(DiscardedFile.sha256.in_(later)).values(discarded_at=now(session)))
    return len(gone)


def _is_gone(store: ArtifactStore, sha256: str, grace_s: float) -> bool:
    """Whether a file is not there now: it may have been stored again meanwhile, or the store may not answer."""
    try:
        return store.remove(sha256, before=time.time() - grace_s)
    except StorageError as error:
        log.warning("file not removed", action="file_not_removed", sha256=sha256, error=str(error))
        return False


def _batches(sha256s: Iterable[str]) -> Iterator[list[str]]:
    left = iter(sha256s)
    while batch := list(islice(left, _LOOKED_UP)):
        yield batch
