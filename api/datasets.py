"""Routes of `/v1/datasets`: upload, list, get and delete datasets."""

from datetime import datetime
from typing import Annotated, Any, Literal, TypeVar
from uuid import UUID

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi import Path as PathParameter
from fastapi.concurrency import contextmanager_in_threadpool, run_in_threadpool
from pydantic import BaseModel, StringConstraints
from sqlalchemy.orm import Session

from api.access.ownership_parameters import OwnershipDep
from api.app_state import AppState, PreviewerDep, SessionsDep, SettingsDep, StoreDep
from api.http import body_examples
from api.http.problem_documents import RESPONSES
from api.http.request_body import check_content_length
from api.http.validation import MAX_REPEATS, ONE_LINE, IdPrefix, PageCursor, PageLimit
from models import Dataset
from service.datasets import catalog, inspector
from service.datasets.csv_options import CsvOptions
from service.datasets.dataset_source import CSV, UPLOAD_MEDIA_TYPES
from service.datasets.dataset_statistics import ValueStatistics
from service.datasets.preview.documents import MAX_ROWS, DatasetPreview
from service.datasets.proposal import Proposal, TaskKind, propose_spec
from service.db.database import SessionFactory
from service.errors import InvalidInput, TooLarge, UnsupportedMediaType
from service.storage.artifact_store import IncomingFile
from service.team.audit import recording
from service.team.ownership.names import OwnershipNames, load_ownership_names
from stackyard.spec import DatasetDescription, Fault
from stackyard.spec.data.csv_format import Decimal

router = APIRouter(prefix="/v1/datasets", tags=["datasets"], responses=RESPONSES)

_BODY_NAME = "The dataset"
_MAX_INSPECTIONS = 2
"""Inspections that run at the same time; each may use `Settings.inspection_memory`. Others wait without a thread."""
_inspections: RunVar[CapacityLimiter] = RunVar("inspections")

_TSV = "text/tab-separated-values"
_CSV_TYPES = (CSV, _TSV, "application/gzip", "application/x-gzip")
"""Media types of CSV files. A file compressed with gzip is recognized under each of them."""
_MissingWord = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=ONE_LINE)]

_FILE_SCHEMA = {"schema": {"type": "string", "format": "binary"}}
_UPLOAD_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": dict.fromkeys((*UPLOAD_MEDIA_TYPES, *_CSV_TYPES[1:3]), _FILE_SCHEMA)
        | {CSV: _FILE_SCHEMA | {"example": body_examples.TABLE_CSV}},
    },
}


class DatasetSummaryView(BaseModel):
    """One version of a dataset in a list. `bytes` and `sha256` describe the uploaded file.

    `owner` is the name of the user who uploaded it, or null on a server without users, and `project` the name of its
    project. Built-in datasets are visible in all projects.
    """

    id: UUID
    owner: str | None
    project: str
    name: str
    version: int
    media_type: str
    bytes: int
    sha256: str
    created_at: datetime


class DatasetView(DatasetSummaryView):
    """One version of a dataset, with a description of its columns or arrays."""

    description: DatasetDescription


ViewType = TypeVar("ViewType", bound=DatasetSummaryView)


class DatasetPage(BaseModel):
    """A page of datasets, newest first. `next` is the `cursor` of the following page, or null."""

    items: list[DatasetSummaryView]
    next: str | None


class StatisticsView(BaseModel):
    """Statistics of the columns of a table, or of the arrays of a file; the other list is null.

    Where a release without statistics received the file, both lists are null, and `message` says how to compute them.
    """

    columns: list[ValueStatistics] | None = None
    arrays: list[ValueStatistics] | None = None
    message: str | None = None


_Reference = Annotated[str, PathParameter(description="The id of a dataset, or its name for the newest version.")]
_NO_STATISTICS = (
    "An earlier release received this file and computed no statistics. Upload the same file under the same name to"
    " compute them; the version stays the same."
)


async def _parse_media_type(request: Request, settings: SettingsDep) -> str:
    """Return the media type of the upload, as received.

    Raises:
        UnsupportedMediaType: the type is not supported, or the encoding is not UTF-8.
        TooLarge: the `Content-Length` exceeds the limit.

    """
    received = request.headers.get("content-type", "")
    media_type, *parameters = (item.strip().lower() for item in received.split(";"))
    charsets = [item.removeprefix("charset=").strip('"') for item in parameters if item.startswith("charset=")]
    if media_type not in {*UPLOAD_MEDIA_TYPES, *_CSV_TYPES} or not set(charsets) <= {"utf-8", "utf8"}:
        raise UnsupportedMediaType(received[:100], (f"{CSV}; charset=utf-8", *UPLOAD_MEDIA_TYPES))
    check_content_length(request, settings.max_dataset_bytes, _BODY_NAME)
    return media_type


async def _parse_csv_options(
    delimiter: Annotated[
        Literal[",", ";", "\t", "|", "tab"] | None,
        Query(description="The character between fields; else detected."),
    ] = None,
    decimal: Annotated[Decimal | None, Query(description="The decimal point; by default detected.")] = None,
    header: Annotated[
        bool | None,
        Query(description="Whether the first line has the names of the columns, as by default."),
    ] = None,
    missing_values: Annotated[
        list[_MissingWord] | None,
        Query(max_length=MAX_REPEATS, description="A further word for a missing value, such as `?`. Repeatable."),
    ] = None,
    default_missing_values: Annotated[
        bool | None,
        Query(description="Whether pandas's words, such as `NA` and `None`, are missing values, as by default."),
    ] = None,
    dates: Annotated[
        list[Annotated[str, StringConstraints(min_length=1, max_length=200)]] | None,
        Query(max_length=MAX_REPEATS, description="A column of ISO 8601 dates or times, read as days. Repeatable."),
    ] = None,
) -> CsvOptions:
    """Return what the client says about the format of a CSV file.

    Raises:
        InvalidInput: a column of dates is named twice.

    """
    if dates is not None and len(set(dates)) < len(dates):
        raise InvalidInput((Fault(pointer="/dates", message="Expected each column once, received one twice."),))
    return CsvOptions(
        delimiter="\t" if delimiter == "tab" else delimiter,
        decimal=decimal,
        header=header,
        missing_values=list(dict.fromkeys(missing_values or ())),
        default_missing_values=default_missing_values,
        dates=dates or [],
    )


def _choose_options(received: str, options: CsvOptions) -> CsvOptions:
    """Return the options for a media type as received.

    Raises:
        InvalidInput: the file is not CSV, so that it takes no options.

    """
    if received == _TSV:
        return options if options.delimiter else options.model_copy(update={"delimiter": "\t"})
    given = [name for name, value in options if value not in (None, [])]
    if given and received not in _CSV_TYPES:
        message = f"Expected no “{given[0]}”, which only CSV has; received a file of type {received}."
        raise InvalidInput((Fault(pointer=f"/{given[0]}", message=message),))
    return options


async def _validate_name(
    name: Annotated[
        str,
        Query(
            description="The name that specs use: 1 to 200 printable characters.",
            json_schema_extra={"minLength": 1, "maxLength": catalog.MAX_NAME_LENGTH, "pattern": catalog.NAME_PATTERN},
        ),
    ],
) -> str:
    """Return the name of the dataset, validated before the body is read.

    Raises:
        Invalid: the name is not allowed.

    """
    catalog.check_name(name)
    return name


@router.post(
    "",
    status_code=201,
    responses={200: {"model": DatasetView, "description": "The newest version has these bytes."}},
    openapi_extra=_UPLOAD_BODY,
)
async def upload_dataset(
    request: Request,
    sessions: SessionsDep,
    media_type: Annotated[str, Depends(_parse_media_type)],
    name: Annotated[str, Depends(_validate_name)],
    options: Annotated[CsvOptions, Depends(_parse_csv_options)],
    response: Response,
) -> DatasetView:
    """Upload a file as the newest version of `name`.

    The bytes of the newest version create no new version, if they are read in the same format. The format of a CSV
    file is detected where no parameter gives it, and is `csv` in the description.
    """
    state: AppState = request.app.state.stackyard
    csv_options = _choose_options(media_type, options)
    async with contextmanager_in_threadpool(state.store.receive_file()) as incoming:
        await _receive_body(request, incoming, state.settings.max_dataset_bytes)
        view, is_new = await to_thread.run_sync(
            _store_dataset,
            state,
            sessions,
            name,
            CSV if media_type in _CSV_TYPES else media_type,
            incoming,
            csv_options,
            limiter=_get_inspection_limiter(),
        )
    response.headers["Location"] = f"/v1/datasets/{view.id}"
    response.status_code = 201 if is_new else 200
    return view


@router.get("")
def list_datasets(
    sessions: SessionsDep,
    ownership: OwnershipDep,
    name: Annotated[str | None, Query(max_length=200, pattern=ONE_LINE)] = None,
    id_prefix: IdPrefix = None,
    limit: PageLimit = 50,
    cursor: PageCursor = None,
) -> DatasetPage:
    """List datasets, newest first. With `name`, list the versions of that dataset."""
    with sessions.read() as session:
        page = catalog.list_datasets(
            session, limit=limit, cursor=cursor, name=name, id_prefix=id_prefix, ownership=ownership
        )
        names = load_ownership_names(session, page.items)
    views = [_build_view(DatasetSummaryView, item, names) for item in page.items]
    return DatasetPage(items=views, next=page.next)


@router.get("/{dataset_id}")
def get_dataset(dataset_id: UUID, sessions: SessionsDep) -> DatasetView:
    """Get a dataset: its columns with types, missing values and ranges, or its arrays with types and shapes."""
    with sessions.read() as session:
        return _load_view(session, catalog.get_dataset(session, dataset_id))


@router.get("/{ref:path}/proposal")
def get_proposal(
    ref: _Reference,
    target: Annotated[str, Query(max_length=200, description="The column or array to predict.")],
    sessions: SessionsDep,
    settings: SettingsDep,
    task: Annotated[
        TaskKind | None, Query(description="By default, the type and the values of the target decide.")
    ] = None,
) -> Proposal:
    """Propose a small spec that predicts a column or an array, and the baseline that its network has to beat."""
    with sessions.read() as session:
        dataset = catalog.get_referenced_dataset(session, ref)
        reference = catalog.get_newest_reference(session, dataset)
    return propose_spec(dataset, reference, target, settings.limits, task)


@router.get("/{ref:path}/statistics")
def get_statistics(ref: _Reference, sessions: SessionsDep) -> StatisticsView:
    """Get histograms, most frequent values and missing values of the columns of a table, or of the arrays of a file.

    They were computed when the file was uploaded. Of a large file, they count evenly spaced values.
    """
    with sessions.read() as session:
        statistics = catalog.parse_statistics(catalog.get_referenced_dataset(session, ref))
    if statistics is None:
        return StatisticsView(message=_NO_STATISTICS)
    return StatisticsView(columns=statistics.columns, arrays=statistics.arrays)


@router.get("/{ref:path}/preview")
def get_preview(
    ref: _Reference,
    sessions: SessionsDep,
    previewer: PreviewerDep,
    store: StoreDep,
    rows: Annotated[int, Query(ge=1, le=MAX_ROWS, description="The largest number of rows, or of items.")] = 20,
) -> DatasetPreview:
    """Get the first rows of a table, or the first items of each array. A process of its own reads them."""
    with sessions.read() as session:
        dataset = catalog.get_referenced_dataset(session, ref)
    return previewer.preview(dataset, store, rows)


@router.delete("/{dataset_id}", status_code=204)
def delete_dataset(dataset_id: UUID, sessions: SessionsDep) -> None:
    """Delete a dataset that no waiting or running job uses. Jobs that have ended keep its name and version."""
    with sessions.begin() as session:
        catalog.delete_dataset(session, dataset_id)


async def _receive_body(request: Request, incoming: IncomingFile, limit: int) -> None:
    """Write the body to a file in chunks, as they arrive."""
    async for chunk in request.stream():
        if incoming.bytes + len(chunk) > limit:
            raise TooLarge(_BODY_NAME, limit)
        await run_in_threadpool(incoming.write, chunk)
    if incoming.bytes == 0:
        raise InvalidInput((Fault(pointer="", message="The body is empty; expected a file."),))


def _store_dataset(
    state: AppState, sessions: SessionFactory, name: str, media_type: str, incoming: IncomingFile, options: CsvOptions
) -> tuple[DatasetView, bool]:
    """Inspect the file, store it, and then record it in the database."""
    incoming.flush()
    inspected = inspector.inspect_file(incoming.path, media_type, state.settings, options)
    stored = state.store.commit_file(incoming)
    with sessions.begin() as session:
        dataset, is_new = catalog.add_dataset(
            session, name, media_type, stored, inspected.description, inspected.statistics
        )
        recording.set_object(session, dataset.id, dataset.project_id, status=201 if is_new else 200)
        return _load_view(session, dataset), is_new


def _get_inspection_limiter() -> CapacityLimiter:
    """Return the limiter of inspections, one per event loop, so that they do not use the threads of other requests."""
    try:
        return _inspections.get()
    except LookupError:
        limiter = CapacityLimiter(_MAX_INSPECTIONS)
        _inspections.set(limiter)
        return limiter


def _load_view(session: Session, dataset: Dataset) -> DatasetView:
    return _build_view(DatasetView, dataset, load_ownership_names(session, [dataset]))


def _build_view(view: type[ViewType], dataset: Dataset, names: OwnershipNames) -> ViewType:
    ownership = {"owner": names.get_owner(dataset), "project": names.get_project(dataset)}
    columns = {name: getattr(dataset, name) for name in view.model_fields.keys() - ownership.keys()}
    return view.model_validate(columns | ownership)
