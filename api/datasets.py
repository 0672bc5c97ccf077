"""Datasets: upload, look, delete."""

from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from anyio import CapacityLimiter, to_thread
from anyio.lowlevel import RunVar
from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.concurrency import contextmanager_in_threadpool, run_in_threadpool
from pydantic import BaseModel, ConfigDict
from starlette.requests import ClientDisconnect

from api.app_state import Parts, SessionsDep, SettingsDep
from api.http.problem_documents import RESPONSES
from api.http.request_body import refuse_announced
from api.http.validation import ONE_LINE
from models import Dataset
from service.datasets import catalog, inspection
from service.datasets.dataset_source import CSV, UPLOADED
from service.errors import Invalid, TooLarge, UnsupportedMediaType
from service.storage.artifact_store import Incoming
from stackyard.spec import DatasetDescription, Problem

router = APIRouter(prefix="/v1/datasets", tags=["datasets"], responses=RESPONSES)

MAX_PAGE = 200
_WHAT = "The dataset"
_MOST_INSPECTIONS = 2
"""At the same time: each may take `Settings.inspection_memory`. The others wait, without a thread to themselves."""
_inspections: RunVar[CapacityLimiter] = RunVar("inspections")

_FILE = {"schema": {"type": "string", "format": "binary"}}
_FILE_BODY: dict[str, Any] = {
    "requestBody": {"required": True, "content": dict.fromkeys(UPLOADED, _FILE)},
}


class DatasetSummaryView(BaseModel):
    """One version of a dataset, as a list shows it; `bytes` and `sha256` are those of what was uploaded."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    name: str
    version: int
    media_type: str
    bytes: int
    sha256: str
    created_at: datetime


class DatasetView(DatasetSummaryView):
    """One version of a dataset, and what it holds."""

    description: DatasetDescription


class DatasetPage(BaseModel):
    """Some datasets, newest first; `next` is the `cursor` of the page after them, or null."""

    items: list[DatasetSummaryView]
    next: str | None


async def _media_type(request: Request, settings: SettingsDep) -> str:
    """What the file says that it is.

    Raises:
        UnsupportedMediaType: it is none of the types that can be read, or is CSV in another encoding than UTF-8.
        TooLarge: it says that it is longer than the limit.

    """
    received = request.headers.get("content-type", "")
    media_type, *parameters = (part.strip().lower() for part in received.split(";"))
    charsets = [part.removeprefix("charset=").strip('"') for part in parameters if part.startswith("charset=")]
    if media_type not in UPLOADED or not set(charsets) <= {"utf-8", "utf8"}:
        raise UnsupportedMediaType(received[:100], (f"{CSV}; charset=utf-8", *UPLOADED))
    refuse_announced(request, settings.max_dataset_bytes, _WHAT)
    return media_type


async def _name(name: Annotated[str, Query(description="What specs call it: 1 to 200 printable characters.")]) -> str:
    """The name under which the file goes, found fit before any of the file is read.

    Raises:
        Invalid: it cannot be one.

    """
    catalog.check_name(name)
    return name


@router.post(
    "",
    status_code=201,
    response_model=DatasetView,
    responses={200: {"model": DatasetView, "description": "The newest version has these bytes."}},
    openapi_extra=_FILE_BODY,
)
async def upload_dataset(
    request: Request,
    media_type: Annotated[str, Depends(_media_type)],
    name: Annotated[str, Depends(_name)],
    response: Response,
) -> DatasetView | Response:
    """Upload a file as the newest version of `name`; the same bytes as the newest version's are no new one."""
    parts: Parts = request.app.state.parts
    async with contextmanager_in_threadpool(parts.store.receive()) as incoming:
        try:
            await _receive(request, incoming, parts.settings.max_dataset_bytes)
        except ClientDisconnect:
            return Response(status_code=400)  # which nobody is there to read
        view, new = await to_thread.run_sync(_take, parts, name, media_type, incoming, limiter=_limiter())
    response.headers["Location"] = f"/v1/datasets/{view.id}"
    response.status_code = 201 if new else 200
    return view


@router.get("")
def list_datasets(
    sessions: SessionsDep,
    name: Annotated[str | None, Query(max_length=200, pattern=ONE_LINE)] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
    cursor: Annotated[str | None, Query(max_length=100)] = None,
) -> DatasetPage:
    """List datasets, newest first; of one `name`, its versions. What each holds is told one at a time."""
    with sessions.read() as session:
        page = catalog.page(session, limit=limit, cursor=cursor, name=name)
    return DatasetPage(items=[DatasetSummaryView.model_validate(item) for item in page.items], next=page.next)


@router.get("/{dataset_id}")
def get_dataset(dataset_id: UUID, sessions: SessionsDep) -> DatasetView:
    """Tell what a dataset holds: columns, types, missing values and ranges, or arrays, types and shapes."""
    with sessions.read() as session:
        return _view(catalog.get(session, dataset_id))


@router.delete("/{dataset_id}", status_code=204)
def delete_dataset(dataset_id: UUID, sessions: SessionsDep) -> None:
    """Delete a dataset that no waiting or running job uses; jobs that have ended keep its name and version."""
    with sessions.begin() as session:
        catalog.delete(session, dataset_id)


async def _receive(request: Request, incoming: Incoming, limit: int) -> None:
    """Write the body to a file, piece by piece as it comes."""
    async for chunk in request.stream():
        if incoming.bytes + len(chunk) > limit:
            raise TooLarge(_WHAT, limit)
        await run_in_threadpool(incoming.write, chunk)
    if incoming.bytes == 0:
        raise Invalid((Problem(pointer="", message="The body is empty; expected a file."),))


def _take(parts: Parts, name: str, media_type: str, incoming: Incoming) -> tuple[DatasetView, bool]:
    """Find out what the file holds, then keep it, then say so in the database."""
    incoming.flush()
    description = inspection.inspect(incoming.path, media_type, parts.settings)
    stored = parts.store.keep(incoming)
    with parts.sessions.begin() as session:
        dataset, new = catalog.add(session, name, media_type, stored, description)
    return _view(dataset), new


def _limiter() -> CapacityLimiter:
    """The inspections' own, one an event loop, so that they do not take the threads of other requests."""
    try:
        return _inspections.get()
    except LookupError:
        limiter = CapacityLimiter(_MOST_INSPECTIONS)
        _inspections.set(limiter)
        return limiter


def _view(dataset: Dataset) -> DatasetView:
    return DatasetView.model_validate(dataset)
