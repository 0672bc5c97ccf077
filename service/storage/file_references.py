"""References from rows to stored files, and the garbage collection of files without references.

A row references a file by its SHA-256. A transaction that deletes such a row also calls `unreference_files`. Later,
`garbage_collect` removes the files that no row references by then. A transaction that inserts such a row also calls
`reference_files`. Both lock the file's row in `discarded_files`, so that a referenced file is never removed.
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
from service.db.database import SessionFactory, get_current_time, upsert_rows
from service.errors import FileRemoved, StorageError
from service.storage.artifact_store import ArtifactStore, FileReference
from service.team.session_scope import ACROSS_PROJECTS

_FILES_PER_TRANSACTION = 20
"""Files that one transaction removes. A small number, because a concurrent `reference_files` waits for it."""
_FILES_PER_ROUND = 1000
"""Files that one call removes, so that it ends."""
_LOOKUP_BATCH = 500
_REFERENCES = (
    (Artifact, true()),
    (Checkpoint, true()),
    (Dataset, Dataset.media_type != BUILTIN_MEDIA_TYPE),  # built-in datasets have no file
)
"""The tables whose rows reference files, and the condition of a row that does."""

log = structlog.get_logger()


def unreference_files(session: Session, sha256s: Iterable[str]) -> None:
    """Record that rows which reference these files are deleted in this transaction; other rows may still exist."""
    timestamp = get_current_time(session)
    for batch in _split_batches(sorted(set(sha256s))):
        upsert_rows(session, DiscardedFile, [{"sha256": sha256, "discarded_at": timestamp} for sha256 in batch])


def unreference_job_files(session: Session, job_ids: Sequence[UUID]) -> None:
    """Unreference every file of some jobs. This transaction has locked the jobs' rows and deletes them."""
    for table in (Artifact, Checkpoint):
        unreference_files(session, session.scalars(select(table.sha256).where(table.job_id.in_(job_ids))))


def reference_files(session: Session, files: Iterable[FileReference]) -> None:
    """Protect files that rows of this transaction reference from garbage collection.

    Raises:
        FileRemoved: a file was garbage-collected after it had been stored.

    """
    sorted_files = sorted(files, key=lambda file: file.sha256)
    # The delete waits for a concurrent `garbage_collect` of the file. A file that still exists afterwards stays.
    for file in sorted_files:
        session.execute(delete(DiscardedFile).where(DiscardedFile.sha256 == file.sha256))
    for file in sorted_files:
        if not file.exists():
            raise FileRemoved(file.sha256)


def list_referenced_files(session: Session, sha256s: Sequence[str] | None = None) -> frozenset[str]:
    """Return the SHA-256 of each file that a row references.

    Args:
        session: session to read in.
        sha256s: restricts the result to these files; None for all.

    """
    referenced: set[str] = set()
    for table, condition in _REFERENCES:
        query = select(table.sha256).where(condition).execution_options(**ACROSS_PROJECTS)
        referenced.update(session.scalars(query if sha256s is None else query.where(table.sha256.in_(sha256s))))
    return frozenset(referenced)


def load_recorded_sizes(session: Session) -> dict[str, frozenset[int]]:
    """Return the sizes in bytes that rows record for each file that they reference, by its SHA-256."""
    sizes: dict[str, frozenset[int]] = {}
    for table, condition in _REFERENCES:
        query = select(table.sha256, table.bytes).where(condition).execution_options(**ACROSS_PROJECTS)
        for sha256, size in session.execute(query):
            sizes[sha256] = sizes.get(sha256, frozenset()) | {size}
    return sizes


def garbage_collect(sessions: SessionFactory, store: ArtifactStore, *, grace_s: float) -> int:
    """Remove files that were unreferenced some time ago and that no row references. Processes may run this at once.

    Args:
        sessions: sessions on the installation's database.
        store: the store of the files.
        grace_s: minimum age in seconds, both since the file was unreferenced and since it was last stored. It must be
            longer than the time between storing a file and committing the row that references it.

    Returns:
        The number of files that were removed.

    """
    removed = 0
    for _ in range(_FILES_PER_ROUND // _FILES_PER_TRANSACTION):
        with sessions.read() as session:
            is_due = session.scalar(_select_due(session, grace_s).limit(1)) is not None
        if not is_due:
            break
        with sessions.begin() as session:
            removed += _collect_batch(session, store, grace_s)
    return removed


def mark_orphans(sessions: SessionFactory, store: ArtifactStore, *, min_age_s: float) -> int:
    """Mark files in the store that no row has ever referenced, because a process was killed after storing them.

    Args:
        sessions: sessions on the installation's database.
        store: the store of the files.
        min_age_s: minimum age in seconds of a file.

    Returns:
        The number of files that were marked.

    """
    before = time.time() - min_age_s
    store.clear_incoming(before=before)
    marked = 0
    for batch in _split_batches(store.list_files(before=before)):
        with sessions.begin() as session:
            orphans = set(batch) - list_referenced_files(session, batch)
            orphans -= set(session.scalars(select(DiscardedFile.sha256).where(DiscardedFile.sha256.in_(batch))))
            unreference_files(session, orphans)
        marked += len(orphans)
    return marked


def _select_due(session: Session, grace_s: float) -> Select[str]:
    horizon = get_current_time(session) - timedelta(seconds=grace_s)
    due = select(DiscardedFile.sha256).where(DiscardedFile.discarded_at <= horizon)
    return due.order_by(DiscardedFile.discarded_at)


def _collect_batch(session: Session, store: ArtifactStore, grace_s: float) -> int:
    due_files = _select_due(session, grace_s).limit(_FILES_PER_TRANSACTION).with_for_update(skip_locked=True)
    due = session.scalars(due_files).all()
    referenced = list_referenced_files(session, due)
    removed = [sha256 for sha256 in due if sha256 not in referenced and _try_remove(store, sha256, grace_s)]
    settled = referenced.union(removed)
    postponed = [sha256 for sha256 in due if sha256 not in settled]
    session.execute(delete(DiscardedFile).where(DiscardedFile.sha256.in_(settled)))
    session.execute(
        update(DiscardedFile).where(DiscardedFile.sha256.in_(postponed)).values(discarded_at=get_current_time(session))
    )
    return len(removed)


def _try_remove(store: ArtifactStore, sha256: str, grace_s: float) -> bool:
    """Remove a file. Return False if it was stored again meanwhile, or if the store fails."""
    try:
        return store.remove(sha256, before=time.time() - grace_s)
    except StorageError as error:
        log.warning("file not removed", action="file_not_removed", sha256=sha256, error=str(error))
        return False


def _split_batches(sha256s: Iterable[str]) -> Iterator[list[str]]:
    remaining = iter(sha256s)
    while batch := list(islice(remaining, _LOOKUP_BATCH)):
        yield batch
