"""The catalog of datasets: add, find, list and delete their versions."""

import re
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from typing import Any
from uuid import UUID

from pydantic import TypeAdapter
from sqlalchemy import bindparam, or_, select, update
from sqlalchemy import delete as delete_from
from sqlalchemy.orm import Session, defer

from models import DEFAULT_PROJECT_ID, TERMINAL_STATES, Dataset, Job
from models.dataset import BUILTIN_MEDIA_TYPE
from service.datasets import builtins
from service.datasets.builtins import BUILTIN_PREFIX, BuiltinDataset
from service.datasets.dataset_source import BuiltinSource, DatasetSource, FileSource
from service.datasets.dataset_statistics import DatasetStatistics
from service.db import pagination
from service.db.database import get_current_time, insert_if_absent
from service.db.ids import new_id
from service.db.pagination import Page
from service.errors import Conflict, CorruptFile, InvalidInput, NotFound, StorageError
from service.storage import file_references
from service.storage.artifact_store import ArtifactStore, FileReference
from service.team.limits import check_storage_limit
from service.team.ownership.filters import ANY_OWNERSHIP, OwnershipFilter
from service.team.row_locks import keep_project
from service.team.session_scope import get_ownership
from stackyard.spec import CsvFormat, DatasetDescription, Fault, JobSpec, TableData, TableDescription
from stackyard.spec.job import UNPRINTABLE_CHARACTERS
from stackyard.spec.suggestions import find_similar_name

MAX_NAME_LENGTH = 200
_PRINTABLE_NAME = f"[^\\s{UNPRINTABLE_CHARACTERS}]([^{UNPRINTABLE_CHARACTERS}]*[^\\s{UNPRINTABLE_CHARACTERS}])?"
NAME_PATTERN = (
    "^(?![bB][uU][iI][lL][tT][iI][nN]:)(?![0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}$)" + _PRINTABLE_NAME + "$"
)
"""The pattern of the name of an uploaded dataset, for the API's schema."""
_MAX_COMPARED_NAMES = 1000
"""Maximum number of names that are compared with a misspelled one."""
_REFERENCE_POINTER = "/data/dataset"
"""JSON pointer of the dataset's name in a spec."""
_TEST_REFERENCE_POINTER = "/data/test_dataset"
"""JSON pointer of the test dataset's name in a spec."""
_SELECT_NEWEST = (
    select(Dataset)
    .where(
        Dataset.name == bindparam("name"),
        or_(Dataset.project_id == bindparam("project_id"), Dataset.media_type == BUILTIN_MEDIA_TYPE),
    )
    .order_by(Dataset.version.desc())
    .limit(1)
)
"""Built once, because every submit runs it."""
_WITHOUT_DESCRIPTION = defer(Dataset.description, raiseload=True)
"""Query option that leaves out the description, which may hold megabytes. Access to it raises an error."""
_DESCRIPTION_ADAPTER: TypeAdapter[DatasetDescription] = TypeAdapter(DatasetDescription)


def find_dataset(session: Session, ref: str, pointer: str = _REFERENCE_POINTER) -> Dataset:
    """Return the dataset that a spec references by its id, its name (newest version) or as `builtin:…`.

    Args:
        session: session to read in.
        ref: the reference.
        pointer: JSON pointer of the reference in the spec.

    Raises:
        InvalidInput: there is no such dataset. The message suggests a similar name if one exists.

    """
    dataset = _load_referenced(session, ref)
    # A job and its datasets belong to the same project, so that an id of another project counts as unknown.
    if dataset is None or not _is_in_project(dataset, get_ownership(session).project_id):
        message = f"Expected the name or id of a dataset; there is none called {ref[:80]!a}."
        message += _suggest_name(session, ref)
        received = ref[:80] if _is_storable(ref) else None
        raise InvalidInput((Fault(pointer=pointer, message=message, received=received),))
    return dataset


def find_test_dataset(session: Session, spec: JobSpec) -> Dataset | None:
    """Return the `test_dataset` that a spec references, or None if it has none.

    Raises:
        InvalidInput: there is no such dataset.

    """
    ref = spec.data.test_dataset if isinstance(spec.data, TableData) else None
    return None if ref is None else find_dataset(session, ref, _TEST_REFERENCE_POINTER)


def get_referenced_dataset(session: Session, ref: str) -> Dataset:
    """Return the dataset with this id or name, as `find_dataset`, for a reference that is not part of a spec.

    Raises:
        NotFound: there is no such dataset.

    """
    dataset = _load_referenced(session, ref)
    if dataset is None:
        raise NotFound("dataset", ascii(ref[:80]))
    return dataset


def get_dataset(session: Session, dataset_id: UUID) -> Dataset:
    """Return the dataset with this id.

    Raises:
        NotFound: there is no such dataset.

    """
    dataset = session.get(Dataset, dataset_id)
    if dataset is None:
        raise NotFound("dataset", dataset_id)
    return dataset


def get_newest_reference(session: Session, dataset: Dataset) -> str:
    """Return the name of a dataset if this is its newest version, and otherwise its id."""
    newest = find_newest_version(session, dataset.name)
    return dataset.name if newest is not None and newest.id == dataset.id else str(dataset.id)


def find_newest_version(session: Session, name: str) -> Dataset | None:
    """Return the newest version of the dataset with this name in the project of the session, or None without one."""
    if not _is_storable(name):
        return None
    return session.scalar(_SELECT_NEWEST, {"name": name, "project_id": get_ownership(session).project_id})


def list_datasets(
    session: Session,
    *,
    limit: int,
    cursor: str | None = None,
    name: str | None = None,
    id_prefix: str | None = None,
    ownership: OwnershipFilter = ANY_OWNERSHIP,
) -> Page[Dataset]:
    """Return a page of datasets, newest first, without loading their descriptions.

    Args:
        session: session to read in.
        limit: maximum number of datasets on the page.
        cursor: `Page.next` of the previous page.
        name: restricts the result to the versions of this dataset.
        id_prefix: restricts the result to ids that start with these hexadecimal digits.
        ownership: restricts the result to the datasets of an owner or a project.

    Raises:
        InvalidInput: `cursor` is not a valid cursor.

    """
    query = select(Dataset).options(_WITHOUT_DESCRIPTION).where(*ownership.build_conditions(Dataset))
    if name is not None:
        query = query.where(Dataset.name == name)
    if id_prefix is not None:
        query = query.where(Dataset.id.between(*pagination.compute_id_range(id_prefix)))
    return pagination.fetch_page(session, query, Dataset.id, limit=limit, cursor=cursor)


def add_dataset(
    session: Session,
    name: str,
    media_type: str,
    stored: FileReference,
    description: DatasetDescription,
    statistics: DatasetStatistics | None = None,
) -> tuple[Dataset, bool]:
    """Add a stored file as the newest version of a dataset.

    Args:
        session: session in a transaction that may write.
        name: name of the dataset in the project of the session; it must pass `check_name`.
        media_type: one of `service.datasets.dataset_source.UPLOAD_MEDIA_TYPES`.
        stored: the file in the store.
        description: the result of its inspection.
        statistics: for people to look at, from the same inspection.

    Returns:
        The dataset, and whether it is new. Content identical to the newest version adds no version, if it is also
        read in the same format. Such a version receives the statistics if it has none.

    Raises:
        FileRemoved: the file was garbage-collected meanwhile.
        StorageLimitReached: the owner would store too many bytes.
        InvalidInput: `name` is not a valid name.
        NotFound: the project was deleted meanwhile.

    """
    check_name(name)
    project_id, owner_id = get_ownership(session)
    keep_project(session, project_id)
    statistics_json = None if statistics is None else statistics.model_dump(mode="json", exclude_none=True)
    while True:
        latest = session.execute(
            select(Dataset.id, Dataset.version, Dataset.sha256, Dataset.media_type)
            .where(Dataset.project_id == project_id, Dataset.name == name)
            .order_by(Dataset.version.desc())
            .limit(1)
        ).one_or_none()
        if latest is not None and (latest.sha256, latest.media_type) == (stored.sha256, media_type):
            newest = get_dataset(session, latest.id)
            if _get_format(parse_description(newest)) == _get_format(description):
                file_references.reference_files(session, [stored])
                newest.statistics = newest.statistics or statistics_json
                return newest, False
        check_storage_limit(session, owner_id, stored.bytes)
        dataset_id = new_id()
        values = {
            "id": dataset_id,
            "project_id": project_id,
            "owner_id": owner_id,
            "name": name,
            "version": 1 if latest is None else latest.version + 1,
            "media_type": media_type,
            "sha256": stored.sha256,
            "bytes": stored.bytes,
            "description": description.model_dump(mode="json"),
            "statistics": statistics_json,
            "created_at": get_current_time(session),
        }
        # A concurrent transaction may have added this version, perhaps with the same content. Then try again.
        if insert_if_absent(session, Dataset, values):
            file_references.reference_files(session, [stored])
            return get_dataset(session, dataset_id), True


def _get_format(description: DatasetDescription) -> CsvFormat:
    """Return how a file is read; a CSV file of an earlier release has the default format."""
    return (description.csv if isinstance(description, TableDescription) else None) or CsvFormat()


def check_name(name: str) -> None:
    """Reject a name that a spec cannot contain, or that has another meaning there.

    Raises:
        InvalidInput: the name is empty, too long, not printable, surrounded by spaces, an id, or that of a built-in
            dataset.

    """
    if len(name) > MAX_NAME_LENGTH or not re.fullmatch(_PRINTABLE_NAME, name) or _has_surrogates(name):
        message = f"Expected 1 to {MAX_NAME_LENGTH} printable characters with no space at either end."
    elif name.lower().startswith(BUILTIN_PREFIX):
        message = (
            f"Expected a name that does not begin with {BUILTIN_PREFIX}, which is reserved for built-in datasets."
        )
    elif _parse_uuid(name) is not None:
        message = "Expected a name that is not a UUID, because datasets are also referenced by id."
    else:
        return
    received = name[:80] if _is_storable(name) else None
    raise InvalidInput((Fault(pointer="/name", message=message, received=received),))


def delete_dataset(session: Session, dataset_id: UUID) -> None:
    """Delete a dataset. Jobs in a terminal state keep its name and version. Its file is unreferenced.

    Raises:
        NotFound: there is no such dataset.
        Conflict: the dataset is built in, or a job that is not in a terminal state uses it.

    """
    # On PostgreSQL the row lock blocks concurrent submits of jobs with this dataset.
    dataset = session.get(Dataset, dataset_id, with_for_update=True, options=[_WITHOUT_DESCRIPTION])
    if dataset is None:
        raise NotFound("dataset", dataset_id)
    if dataset.media_type == BUILTIN_MEDIA_TYPE:
        raise Conflict("builtin_dataset", f"{dataset.name} is built in and cannot be deleted.")
    active_jobs = select(Job.id).where(
        or_(Job.dataset_id == dataset_id, Job.test_dataset_id == dataset_id),
        Job.state.not_in(TERMINAL_STATES),
    )
    job_id = session.scalar(active_jobs.limit(1))
    if job_id is not None:
        message = (
            f"Job {job_id} still needs {dataset.name} version {dataset.version}; cancel it, or wait until it ends."
        )
        raise Conflict("dataset_in_use", message)
    file_references.unreference_files(session, [dataset.sha256])
    session.execute(update(Job).where(Job.test_dataset_id == dataset_id).values(test_dataset_id=None))
    session.execute(delete_from(Dataset).where(Dataset.id == dataset_id))


def parse_description(dataset: Dataset) -> DatasetDescription:
    """Return the description that inspection stored for a dataset."""
    return _DESCRIPTION_ADAPTER.validate_python(dataset.description)


def parse_statistics(dataset: Dataset) -> DatasetStatistics | None:
    """Return the statistics that inspection stored for a dataset; None for uploads to releases without them.

    They are loaded here, in the session of the dataset.
    """
    if dataset.media_type == BUILTIN_MEDIA_TYPE:
        return builtins.load_statistics(dataset.name.removeprefix(BUILTIN_PREFIX))
    return None if dataset.statistics is None else DatasetStatistics.model_validate(dataset.statistics)


@contextmanager
def open_dataset_source(dataset: Dataset, store: ArtifactStore) -> Generator[DatasetSource]:
    """Yield the source of a dataset's rows. Its file is readable within the block.

    Raises:
        StorageError: the file is corrupt, missing or cannot be read.

    """
    if dataset.media_type == BUILTIN_MEDIA_TYPE:
        yield BuiltinSource(dataset.name.removeprefix(BUILTIN_PREFIX))
        return
    with ExitStack() as stack:
        try:
            path = stack.enter_context(store.verified_path(dataset.sha256))
        except CorruptFile:
            message = f"The file of {dataset.name} version {dataset.version} is corrupt or missing; upload it again."
            raise StorageError(message) from None
        yield FileSource(path, dataset.media_type)


def ensure_builtins(session: Session) -> None:
    """Insert the rows of the built-in datasets, and update those of an older release.

    Any number of processes may do this at the same time.
    """
    for builtin in builtins.load_builtins():
        values = _build_builtin_values(builtin)
        name = BUILTIN_PREFIX + builtin.name
        existing = find_newest_version(session, name)
        if existing is None:
            new_values = {
                "id": new_id(),
                "project_id": DEFAULT_PROJECT_ID,
                "name": name,
                "version": 1,
                "media_type": BUILTIN_MEDIA_TYPE,
                "created_at": get_current_time(session),
            }
            insert_if_absent(session, Dataset, new_values | values)
        elif any(getattr(existing, key) != value for key, value in values.items()):
            for key, value in values.items():
                setattr(existing, key, value)


def _build_builtin_values(builtin: BuiltinDataset) -> dict[str, Any]:
    return {"sha256": builtin.sha256, "bytes": builtin.bytes, "description": builtin.description}


def _load_referenced(session: Session, ref: str) -> Dataset | None:
    """Return a dataset by its name in the project of the session, or by its id."""
    dataset_id = _parse_uuid(ref)
    return session.get(Dataset, dataset_id) if dataset_id else find_newest_version(session, ref)


def _is_in_project(dataset: Dataset, project_id: UUID) -> bool:
    return dataset.project_id == project_id or dataset.media_type == BUILTIN_MEDIA_TYPE


def _parse_uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


def _is_storable(text: str) -> bool:
    """Return whether a database can store the text: PostgreSQL rejects NUL, and UTF-8 rejects surrogates."""
    return text.isprintable()


def _has_surrogates(text: str) -> bool:
    return any("\ud800" <= character <= "\udfff" for character in text)


def _suggest_name(session: Session, ref: str) -> str:
    is_in_project = or_(
        Dataset.project_id == get_ownership(session).project_id, Dataset.media_type == BUILTIN_MEDIA_TYPE
    )
    select_names = select(Dataset.name).where(is_in_project).distinct().order_by(Dataset.name)
    select_names = select_names.limit(_MAX_COMPARED_NAMES)
    names = session.scalars(select_names).all()
    builtin_name = BUILTIN_PREFIX + ref.lower()
    similar = builtin_name if builtin_name in names else find_similar_name(ref, names)
    return "" if similar is None else f" Did you mean {similar!r}?"
