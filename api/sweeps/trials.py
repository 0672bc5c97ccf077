"""Routes of the trials of a sweep: list and get them, add one, set a value."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Query, Response

from api.app_state import SessionsDep, SettingsDep, SweepSubmitterDep
from api.http import openapi
from api.http.problem_documents import RESPONSES
from api.http.request_body import JsonBody
from api.http.validation import MAX_REPEATS, PageLimit
from api.sweeps.schemas import TrialPage, TrialView
from models import TrialState
from service.db.database import SessionFactory
from service.sweeps import queries
from service.sweeps.life import client_trials
from service.sweeps.results import trial_lists
from service.sweeps.results.trial_lists import MAX_CURSOR_LENGTH, TrialSort
from stackyard.sweep.requests.sweep_changes import ClientTrial, ClientValue, parse_client_trial, parse_client_value

router = APIRouter(prefix="/v1/sweeps", tags=["sweeps"], responses=RESPONSES)

_MAX_NUMBER = 2**31 - 1
"""The largest value of PostgreSQL's INTEGER, the type of the numbers of trials."""
TrialNumber = Annotated[int, Path(ge=0, le=_MAX_NUMBER)]


@router.get("/{sweep_id}/trials")
def list_trials(
    sweep_id: UUID,
    sessions: SessionsDep,
    state: Annotated[list[TrialState] | None, Query(max_length=MAX_REPEATS)] = None,
    sort: TrialSort = "value",
    limit: PageLimit = 50,
    cursor: Annotated[str | None, Query(max_length=MAX_CURSOR_LENGTH, pattern=r"^[A-Za-z0-9_-]+$")] = None,
) -> TrialPage:
    """List the trials of a sweep with their jobs: by `value`, the best first, or by `number`.

    By value, complete trials come first; those that were repeated on fresh seeds lead. Held and halted trials follow,
    because their values come from fewer epochs, and then trials without a value.
    """
    with sessions.read() as session:
        sweep = queries.get_sweep(session, sweep_id)
        states = tuple(dict.fromkeys(state or ()))
        page = trial_lists.list_trials(session, sweep, states=states, sort=sort, limit=limit, cursor=cursor)
    return TrialPage(items=[TrialView.of(details) for details in page.items], next=page.next)


@router.get("/{sweep_id}/trials/{number}")
def get_trial(sweep_id: UUID, number: TrialNumber, sessions: SessionsDep) -> TrialView:
    """Get a trial with its parameters, its value, its state and its jobs."""
    return _load_trial_view(sessions, sweep_id, number)


@router.post(
    "/{sweep_id}/trials",
    status_code=201,
    openapi_extra=openapi.build_body(ClientTrial, {"parameters": {"/training/optimizer/learning_rate": 0.003}}),
)
def add_trial(
    sweep_id: UUID,
    body: JsonBody,
    sessions: SessionsDep,
    settings: SettingsDep,
    submitter: SweepSubmitterDep,
    response: Response,
) -> TrialView:
    """Add a trial with parameters of the client: of an `external` search, or beside those that the search proposes.

    The server trains it. With a `value`, the client has evaluated it elsewhere: it is complete at once, without a job.
    A sweep with the method `grid` or `list` takes none.
    """
    client_trial = parse_client_trial(body, settings.limits)
    with sessions.begin() as session:
        trial, queues = client_trials.add_client_trial(session, sweep_id, client_trial, settings.limits)
        number = trial.number
    submitter.notify(queues)
    submitter.advance(sweep_id)
    response.headers["Location"] = f"/v1/sweeps/{sweep_id}/trials/{number}"
    return _load_trial_view(sessions, sweep_id, number)


@router.post(
    "/{sweep_id}/trials/{number}/value",
    status_code=200,
    openapi_extra=openapi.build_body(ClientValue, {"value": 0.31}),
)
def set_trial_value(
    sweep_id: UUID,
    number: TrialNumber,
    body: JsonBody,
    sessions: SessionsDep,
    settings: SettingsDep,
    submitter: SweepSubmitterDep,
) -> TrialView:
    """Replace the value of a complete trial of an `external` sweep, such as by a score on the client's own data."""
    value = parse_client_value(body, settings.limits).value
    with sessions.begin() as session:
        client_trials.set_trial_value(session, sweep_id, number, value)
    submitter.advance(sweep_id)
    return _load_trial_view(sessions, sweep_id, number)


def _load_trial_view(sessions: SessionFactory, sweep_id: UUID, number: int) -> TrialView:
    with sessions.read() as session:
        queries.get_sweep(session, sweep_id)
        return TrialView.of(trial_lists.get_trial(session, sweep_id, number))
