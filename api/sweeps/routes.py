"""Routes of `/v1/sweeps`: submit, list, get, change, cancel, finish, pause, resume and delete sweeps."""

from collections.abc import Callable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query, Response
from sqlalchemy.orm import Session

from api.access.authorization import PrincipalDep
from api.access.ownership_parameters import OwnershipDep
from api.app_state import SessionsDep, SettingsDep, SweepSubmitterDep
from api.http import openapi
from api.http.problem_documents import RESPONSES
from api.http.request_body import JsonBody
from api.http.validation import MAX_REPEATS, ONE_LINE, IdPrefix, PageCursor, PageLimit
from api.jobs.routes import IdempotencyKey
from api.sweeps.check import SweepBody
from api.sweeps.schemas import SweepPage, SweepSummaryView, SweepView
from models import SweepState
from service.db.database import SessionFactory
from service.sweeps import queries
from service.sweeps.life import controls
from service.sweeps.life.creation import SweepSubmitter
from service.sweeps.queries import SweepFilter
from stackyard.sweep.requests.sweep_changes import parse_sweep_changes

router = APIRouter(prefix="/v1/sweeps", tags=["sweeps"], responses=RESPONSES)


@router.post("", status_code=201, openapi_extra=openapi.SWEEP_BODY)
def submit_sweep(
    body: SweepBody,
    sessions: SessionsDep,
    submitter: SweepSubmitterDep,
    principal: PrincipalDep,
    response: Response,
    key: IdempotencyKey = None,
) -> SweepView:
    """Submit a sweep. With an `Idempotency-Key`, a repeated request returns the sweep of the first one.

    The answer comes once the first trials, or all trials of a search that does not learn, are stored with their jobs.
    """
    sweep_id = submitter.submit(body, key, principal)
    response.headers["Location"] = f"/v1/sweeps/{sweep_id}"
    return _load_sweep_view(sessions, sweep_id)


@router.get("")
def list_sweeps(
    sessions: SessionsDep,
    ownership: OwnershipDep,
    state: Annotated[list[SweepState] | None, Query(max_length=MAX_REPEATS)] = None,
    name: Annotated[str | None, Query(max_length=200, pattern=ONE_LINE)] = None,
    id_prefix: IdPrefix = None,
    q: Annotated[str | None, Query(max_length=200, pattern=ONE_LINE, description="A part of the name.")] = None,
    limit: PageLimit = 50,
    cursor: PageCursor = None,
) -> SweepPage:
    """List sweeps, newest first. Repeat `state` to match any of the states."""
    sweep_filter = SweepFilter(tuple(dict.fromkeys(state or ())), name, id_prefix, q or None, ownership)
    with sessions.read() as session:
        page = queries.list_sweeps(session, sweep_filter, limit=limit, cursor=cursor)
        details = queries.load_sweep_details(session, page.items)
    return SweepPage(items=[SweepSummaryView.of(item) for item in details], next=page.next)


@router.get("/{sweep_id}")
def get_sweep(sweep_id: UUID, sessions: SessionsDep) -> SweepView:
    """Get a sweep with the numbers of its trials, its budget, its best trial so far and its spec."""
    return _load_sweep_view(sessions, sweep_id)


@router.patch("/{sweep_id}", openapi_extra=openapi.SWEEP_CHANGES_BODY)
def change_sweep(
    sweep_id: UUID, body: JsonBody, sessions: SessionsDep, settings: SettingsDep, submitter: SweepSubmitterDep
) -> SweepView:
    """Change the name, the tags, the priority, the budget or the concurrency of a sweep.

    A smaller budget stops no job that has started. After the end, only the name and the tags can change.
    """
    changes = parse_sweep_changes(body, settings.limits)
    with sessions.begin() as session:
        controls.change_sweep(session, sweep_id, changes)
    submitter.advance(sweep_id)
    return _load_sweep_view(sessions, sweep_id)


@router.post("/{sweep_id}/cancel", status_code=202)
def cancel_sweep(sweep_id: UUID, sessions: SessionsDep, submitter: SweepSubmitterDep) -> SweepView:
    """Cancel a sweep and its jobs. It is `cancelled` once its running jobs have stopped. A repeat changes nothing."""
    return _control(controls.cancel_sweep, sweep_id, sessions, submitter)


@router.post("/{sweep_id}/finish", status_code=202)
def finish_sweep(sweep_id: UUID, sessions: SessionsDep, submitter: SweepSubmitterDep) -> SweepView:
    """End the search: no more trials start, and the sweep succeeds when those that have started have ended."""
    return _control(controls.finish_sweep, sweep_id, sessions, submitter)


@router.post("/{sweep_id}/pause", status_code=202)
def pause_sweep(sweep_id: UUID, sessions: SessionsDep, submitter: SweepSubmitterDep) -> SweepView:
    """Pause a sweep and its jobs: waiting jobs at once, running ones after the next checkpoint."""
    return _control(controls.pause_sweep, sweep_id, sessions, submitter)


@router.post("/{sweep_id}/resume", status_code=202)
def resume_sweep(sweep_id: UUID, sessions: SessionsDep, submitter: SweepSubmitterDep) -> SweepView:
    """Let a paused sweep and its jobs go on. A repeat changes nothing."""
    with sessions.begin() as session:
        queues = controls.resume_sweep(session, sweep_id)
    submitter.notify(queues)
    submitter.advance(sweep_id)
    return _load_sweep_view(sessions, sweep_id)


@router.delete("/{sweep_id}", status_code=204)
def delete_sweep(
    sweep_id: UUID,
    sessions: SessionsDep,
    keep_jobs: Annotated[bool, Query(description="Keep the jobs that have ended.")] = False,
) -> None:
    """Delete a sweep in any state, with its trials, its jobs, and their histories and artifacts."""
    with sessions.begin() as session:
        controls.delete_sweep(session, sweep_id, keep_jobs=keep_jobs)


def _control(
    control: Callable[[Session, UUID], object], sweep_id: UUID, sessions: SessionFactory, submitter: SweepSubmitter
) -> SweepView:
    with sessions.begin() as session:
        control(session, sweep_id)
    submitter.advance(sweep_id)
    return _load_sweep_view(sessions, sweep_id)


def _load_sweep_view(sessions: SessionFactory, sweep_id: UUID) -> SweepView:
    with sessions.read() as session:
        [details] = queries.load_sweep_details(session, [queries.get_sweep(session, sweep_id)])
    return SweepView.of(details)
