"""Routes of the results of a sweep: its best trial, its statistics, and all trials as a table."""

import csv
import io
import json
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Header, Query, Response

from api.app_state import SessionsDep
from api.http.content_negotiation import choose_media_type
from api.http.problem_documents import RESPONSES
from api.sweeps.schemas import BestTrialLinks, BestTrialView, SweepResultsView, TrialTableView, TrialView
from service.sweeps import queries
from service.sweeps.results import best_trial, sweep_results, trial_table
from service.sweeps.results.trial_table import TrialTable

router = APIRouter(prefix="/v1/sweeps", tags=["sweeps"], responses=RESPONSES)

_JSON, _CSV = "application/json", "text/csv"


@router.get("/{sweep_id}/best")
def get_best_trial(sweep_id: UUID, sessions: SessionsDep) -> BestTrialView:
    """Get the best complete trial so far, with links to the job, model, script and spec of its best repeat.

    Before the first complete trial: 404.
    """
    with sessions.read() as session:
        details, job_id = best_trial.load_best_trial(session, queries.get_sweep(session, sweep_id))
    return BestTrialView(
        trial=TrialView.of(details), job=job_id, links=None if job_id is None else _build_links(job_id)
    )


@router.get("/{sweep_id}/results")
def get_results(
    sweep_id: UUID, sessions: SessionsDep, limit: Annotated[int, Query(ge=1, le=1000)] = 50
) -> SweepResultsView:
    """Get the ranking of complete trials with intervals, the course of the search, importances and the cost.

    `limit` is the number of trials in the ranking.
    """
    with sessions.read() as session:
        return SweepResultsView.of(
            sweep_results.load_sweep_results(session, queries.get_sweep(session, sweep_id), max_ranked=limit)
        )


@router.get(
    "/{sweep_id}/table",
    response_model=TrialTableView,
    responses={200: {"content": {_CSV: {"schema": {"type": "string"}}}}},
)
def get_table(
    sweep_id: UUID, sessions: SessionsDep, accept: Annotated[str, Header(include_in_schema=False)] = "*/*"
) -> Response:
    """Get all trials as JSON columns; with `Accept: text/csv`, a row per trial.

    `job` is the first job of the trial. In CSV, parameters that are objects or arrays are JSON.
    """
    media_type = choose_media_type(accept, (_JSON, _CSV))
    with sessions.read() as session:
        table = trial_table.load_trial_table(session, queries.get_sweep(session, sweep_id))
    content = _format_csv(table) if media_type == _CSV else _build_table_view(table).model_dump_json()
    return Response(content, media_type=media_type, headers={"Vary": "Accept"})


def _build_links(job_id: UUID) -> BestTrialLinks:
    job = f"/v1/jobs/{job_id}"
    return BestTrialLinks(job=job, model=f"{job}/model", script=f"{job}/script", spec=job)


def _build_table_view(table: TrialTable) -> TrialTableView:
    parameters = {pointer: [row.parameters.get(pointer) for row in table.rows] for pointer in table.pointers}
    return TrialTableView(
        number=[row.number for row in table.rows],
        state=[row.state for row in table.rows],
        value=[row.value for row in table.rows],
        n=[row.n for row in table.rows],
        epochs=[row.epochs for row in table.rows],
        seconds=[row.seconds for row in table.rows],
        job=[row.job_id for row in table.rows],
        parameters=parameters,
    )


def _format_csv(table: TrialTable) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["number", "state", "value", "n", "epochs", "seconds", "job", *table.pointers])
    for row in table.rows:
        cells = [
            _format_cell(row.parameters[pointer]) if pointer in row.parameters else "" for pointer in table.pointers
        ]
        value = "" if row.value is None else repr(row.value)
        writer.writerow([row.number, row.state.value, value, row.n, row.epochs, row.seconds, row.job_id or "", *cells])
    return text.getvalue()


def _format_cell(value: object) -> str:
    """Return a parameter as text. A string that a spreadsheet would run as a formula gets a leading apostrophe."""
    if isinstance(value, str):
        return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t")) else value
    return json.dumps(value)
