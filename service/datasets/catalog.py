"""Datasets as their owners see them: add, find, list, delete."""

from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from difflib import get_close_matches
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import bindparam, select
from sqlalchemy import delete as delete_from
from sqlalchemy.orm import Session, defer

from models import TERMINAL_STATES, Dataset, Job
from models.dataset import BUILTIN_MEDIA_TYPE
from service.datasets import builtins
from service.datasets.builtins import PREFIX, Builtin
from service.datasets.dataset_source import BuiltinSource, FileSource, Source
from service.db import pagination
from service.db.database import insert_if_absent, now
from service.db.ids import new_id
from service.db.pagination import Page
from service.errors import Conflict, Damaged, Invalid, NotFound, StorageError
from service.storage import file_references
from service.storage.artifact_store import ArtifactStore, Stored
from stackyard.spec import DatasetDescription, Problem

_LONGEST_NAME = 200
_MOST_COMPARED = 1000
"""Names that are looked at for one that a misspelt name may have meant."""
_REFERENCE = "/data/dataset"
"""Where a spec names its dataset."""
_NEWEST = select(Dataset).where(Dataset.name == bindparam("name")).order_by(Dataset.version.desc()).limit(1)
"""Made once, because every submit asks it."""
_ADAPTER: TypeAdapter[DatasetDescription] = TypeAdapter(DatasetDescription)


def find(session: Session, ref: str) -> Dataset:
    """The dataset that a spec means by `ref`: an id, a name (its newest version) or `builtin:…`.

    Raises:
        Invalid: there is none; the message has a name like it, if one is there.

    """
    identity = _uuid(ref)
    dataset = session.get(Dataset, identity) if identity else newest(session, ref)
    if dataset is None:
        message = f"Expected the name or id of a dataset; there is none called {ref[:80]!a}."
        message += _suggestion(session, ref)
        raise Invalid((Problem(pointer=_REFERENCE, message=message, received=ref[:80] if _sayable(ref) else None),))
    return dataset


def get(session: Session, dataset_id: UUID) -> Dataset:
    """The dataset with this id.

    Raises:
        NotFound: there is none.

    """
    dataset = session.get(Dataset, dataset_id)
    if dataset is None:
        raise NotFound("dataset", dataset_id)
    return dataset


def newest(session: Session, name: str) -> Dataset | None:
    """The newest version of the dataset of this name."""
    if not _sayable(name):
        return None
    return session.scalar(_NEWEST, {"name": name})


def page(session: Session, *, limit: int, cursor: str | None = None, name: str | None = None) -> Page[Dataset]:
    """Datasets, newest first, their descriptions left in the database.

    Args:
        session: to read in.
        limit: the most on the page.
        cursor: `Page.next` of the page before.
        name: where given, the versions of this one alone.

    Raises:
        Invalid: `cursor` is not one that was given out.

    """
    query = select(Dataset).options(defer(Dataset.description, raiseload=True))
    if name is not None:
        query = query.where(Dataset.name == name)
    return pagination.fetch(session, query, Dataset.id, limit=limit, cursor=cursor)


def add(
    session: Session,
    name: str,
    media_type: str,
    stored: Stored,
    found: DatasetDescription,
) -> tuple[Dataset, bool]:
    """Make `stored` the newest version of `name`.

    Args:
        session: in a transaction that may write.
        name: must pass `check_name`.
        media_type: one of `service.datasets.dataset_source.UPLOADED`.
        stored: the file, kept in the store.
        found: what inspection found in it.

    Returns:
        The dataset, and whether it is new: the same bytes as the newest version are that version.

    Raises:
        FileGone: the file was taken away meanwhile.
        Invalid: `name` cannot be one.

    """
    check_name(name)
    while True:
        last = newest(session, name)
        if last is not None and (last.sha256, last.media_type) == (stored.sha256, media_type):
            file_references.adopt(session, [stored])
            return last, False
        dataset_id = new_id()
        values = {
            "id": dataset_id,
            "name": name,
            "version": 1 if last is None else last.version + 1,
            "media_type": media_type,
            "sha256": stored.sha256,
            "bytes": stored.bytes,
            "description": found.model_dump(mode="json"),
            "created_at": now(session),
        }
        # Somebody else may have taken this version meanwhile; theirs may even be the same bytes.
        if insert_if_absent(session, Dataset, values):
            file_references.adopt(session, [stored])
            return get(session, dataset_id), True


def check_name(name: str) -> None:
    """Refuse a name that a spec could not say, or that would mean something else there.

    Raises:
        Invalid: it is empty, too long, not printable, surrounded by spaces, an id, or a built-in's.

    """
    if not name or len(name) > _LONGEST_NAME or not name.isprintable() or name != name.strip():
        fault = f"Expected 1 to {_LONGEST_NAME} printable characters with no space at either end."
    elif name.lower().startswith(PREFIX):
        fault = f"Expected a name that does not begin with {PREFIX}: those are the built-in datasets'."
    elif _uuid(name) is not None:
        fault = "Expected a name that cannot be taken for an id."
    else:
        return
    raise Invalid((Problem(pointer="/name", message=fault, received=name[:80] if _sayable(name) else None),))


def delete(session: Session, dataset_id: UUID) -> None:
    """Remove a dataset; jobs that are over keep its name and version. The file goes unless somebody else names it.

    Raises:
        NotFound: there is no such dataset.
        Conflict: it is built in, or a job that is not over uses it.

    """
    # On PostgreSQL the lock holds off jobs that are being submitted with this dataset.
    dataset = session.get(Dataset, dataset_id, with_for_update=True)
    if dataset is None:
        raise NotFound("dataset", dataset_id)
    if dataset.media_type == BUILTIN_MEDIA_TYPE:
        raise Conflict("builtin_dataset", f"{dataset.name} is built in and cannot be deleted.")
    waiting = select(Job.id).where(
        Job.dataset_id == dataset_id,
        Job.state.not_in(TERMINAL_STATES),
    )
    job_id = session.scalar(waiting.limit(1))
    if job_id is not None:
        message = f"Job {job_id} still needs {dataset.name} version {dataset.version}; cancel it, or let it end."
        raise Conflict("dataset_in_use", message)
    file_references.discard(session, [dataset.sha256])
    session.execute(delete_from(Dataset).where(Dataset.id == dataset_id))


def description(dataset: Dataset) -> DatasetDescription:
    """What inspection found in it."""
    return _ADAPTER.validate_python(dataset.description)


@contextmanager
def source(dataset: Dataset, store: ArtifactStore) -> Generator[Source]:
    """Where its rows are, for a block that reads them.

    Raises:
        StorageError: its file is damaged, or cannot be had.

    """
    if dataset.media_type == BUILTIN_MEDIA_TYPE:
        yield BuiltinSource(dataset.name.removeprefix(PREFIX))
        return
    with ExitStack() as stack:
        try:
            path = stack.enter_context(store.local(dataset.sha256))
        except Damaged:
            message = f"The file of {dataset.name} version {dataset.version} is damaged or gone; upload it again."
            raise StorageError(message) from None
        yield FileSource(path, dataset.media_type)


def ensure_builtins(session: Session) -> None:
    """See to it that the built-in datasets have their rows, and that these say what this release says.

    Any number of processes may do this at the same time.
    """
    for builtin in builtins.load():
        values = _builtin_values(builtin)
        name = PREFIX + builtin.name
        present = newest(session, name)
        if present is None:
            fixed = {
                "id": new_id(),
                "name": name,
                "version": 1,
                "media_type": BUILTIN_MEDIA_TYPE,
                "created_at": now(session),
            }
            insert_if_absent(session, Dataset, fixed | values)
        elif any(getattr(present, key) != value for key, value in values.items()):
            for key, value in values.items():
                setattr(present, key, value)


def _builtin_values(builtin: Builtin) -> dict[str, Any]:
    return {"sha256": builtin.sha256, "bytes": builtin.bytes, "description": builtin.description}


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _sayable(text: str) -> bool:
    """Whether a database can be asked for it: PostgreSQL cannot store a NUL, and nobody half a character."""
    return text.isprintable()


def _suggestion(session: Session, ref: str) -> str:
    names = session.scalars(select(Dataset.name).distinct().order_by(Dataset.name).limit(_MOST_COMPARED)).all()
    close = get_close_matches(ref[:_LONGEST_NAME], [*names], n=1) or [
        name for name in names if name == PREFIX + ref.lower()
    ]
    return f" Did you mean {close[0]!r}?" if close else ""
