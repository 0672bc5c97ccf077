"""Pages of a sweep's trials, with their jobs."""

import base64
import binascii
import json
import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import ColumnElement, case, literal, select, tuple_
from sqlalchemy.orm import Session

from models import Job, JobState, Sweep, Trial, TrialState
from service.db.pagination import Page
from service.errors import InvalidInput, NotFound
from service.sweeps.life.plan import require_plan
from stackyard.spec import Fault
from stackyard.sweep import ResolvedObjective

MAX_CURSOR_LENGTH = 200
TrialSort = Literal["value", "number"]
_RANK = case(
    (Trial.rerun_count > 0, case((Trial.state == TrialState.COMPLETE, 0), else_=3)),
    (Trial.state == TrialState.COMPLETE, 1),
    else_=2,
)
"""Complete trials come before those with fewer epochs, and trials that were repeated on fresh seeds before others."""


@dataclass(frozen=True)
class TrialJobDetails:
    """A job of a trial: its id, its repeat, its state, and its epochs so far."""

    id: UUID
    repeat: int
    state: JobState
    epochs_done: int
    epochs: int


@dataclass(frozen=True)
class TrialDetails:
    """A trial with its jobs. `state` says `running` if one of its jobs has started."""

    trial: Trial
    state: TrialState
    jobs: Sequence[TrialJobDetails]


def list_trials(
    session: Session,
    sweep: Sweep,
    *,
    states: Sequence[TrialState] = (),
    sort: TrialSort = "value",
    limit: int,
    cursor: str | None,
) -> Page[TrialDetails]:
    """Return a page of the trials of a sweep.

    Args:
        session: to read from.
        sweep: the sweep.
        states: the states to list; all if empty.
        sort: by `value`, the best first and trials without a value last, or by `number`.
        limit: maximum number of trials on the page.
        cursor: `Page.next` of the page before in the same order; None for the first page.

    Raises:
        InvalidInput: the cursor does not come from an earlier page in this order.

    """
    order = _build_order(require_plan(sweep).objective) if sort == "value" else (Trial.number,)
    query = select(Trial, *order).where(Trial.sweep_id == sweep.id).order_by(*order)
    if states:
        query = query.where(_build_state_condition(states))
    if cursor is not None:
        position = _decode_cursor(cursor, sort, len(order))
        query = query.where(tuple_(*order) > tuple_(*(literal(value) for value in position)))
    rows = session.execute(query.limit(limit + 1)).all()
    on_page = rows[:limit]
    next_cursor = _encode_cursor(sort, on_page[-1][1:]) if len(rows) > limit else None
    return Page(tuple(load_trial_details(session, [row[0] for row in on_page])), next_cursor)


def get_trial(session: Session, sweep_id: UUID, number: int) -> TrialDetails:
    """Return a trial with its jobs.

    Raises:
        NotFound: there is no such trial.

    """
    trial = session.get(Trial, (sweep_id, number))
    if trial is None:
        raise NotFound("trial", number)
    return load_trial_details(session, [trial])[0]


def load_trial_details(session: Session, trials: Sequence[Trial]) -> list[TrialDetails]:
    """Load the jobs of trials of one sweep, in the order of the trials."""
    jobs = _load_jobs(session, trials)
    return [
        TrialDetails(trial, _find_state(trial, jobs.get(trial.number, ())), jobs.get(trial.number, ()))
        for trial in trials
    ]


def _load_jobs(session: Session, trials: Sequence[Trial]) -> Mapping[int, list[TrialJobDetails]]:
    jobs: dict[int, list[TrialJobDetails]] = defaultdict(list)
    if not trials:
        return jobs
    columns = (Job.trial_number, Job.id, Job.repeat, Job.state, Job.epochs_done, Job.epochs)
    query = select(*columns).where(
        Job.sweep_id == trials[0].sweep_id, Job.trial_number.in_([trial.number for trial in trials])
    )
    for row in session.execute(query.order_by(Job.trial_number, Job.repeat)):
        details = TrialJobDetails(row.id, row.repeat or 0, row.state, row.epochs_done, row.epochs)
        jobs[row.trial_number].append(details)
    return jobs


def _find_state(trial: Trial, jobs: Sequence[TrialJobDetails]) -> TrialState:
    is_running = trial.state is TrialState.WAITING and any(job.state is JobState.RUNNING for job in jobs)
    return TrialState.RUNNING if is_running else trial.state


def _build_order(objective: ResolvedObjective) -> tuple[Any, ...]:
    """Return expressions that are never NULL, in ascending order of which the best trial is first."""
    value = Trial.value if objective.mode == "min" else -Trial.value
    return (
        case((Trial.value.is_(None), 4), else_=_RANK),
        case((Trial.value.is_(None), 0.0), else_=value),
        Trial.number,
    )


def _build_state_condition(states: Sequence[TrialState]) -> ColumnElement[bool]:
    running = (
        select(Job.id)
        .where(Job.sweep_id == Trial.sweep_id, Job.trial_number == Trial.number, Job.state == JobState.RUNNING)
        .exists()
    )
    condition = Trial.state.in_([state for state in states if state not in {TrialState.WAITING, TrialState.RUNNING}])
    if TrialState.RUNNING in states:
        condition |= (Trial.state == TrialState.WAITING) & running
    if TrialState.WAITING in states:
        condition |= (Trial.state == TrialState.WAITING) & ~running
    return condition


def _encode_cursor(sort: TrialSort, position: Sequence[Any]) -> str:
    text = json.dumps([sort, *position], separators=(",", ":"))
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _decode_cursor(cursor: str, sort: TrialSort, length: int) -> Sequence[Any]:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        received, *position = json.loads(text)
        is_valid = received == sort and len(position) == length and all(map(_is_small_number, position))
    except (binascii.Error, ValueError, TypeError, RecursionError):
        is_valid, position = False, []
    if not is_valid:
        message = "Expected the `next` of an earlier page in the same order."
        raise InvalidInput((Fault(pointer="/query/cursor", message=message, received=cursor[:80]),))
    integers = {0, length - 1}
    return [int(value) if index in integers else float(value) for index, value in enumerate(position)]


def _is_small_number(value: object) -> bool:
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or (isinstance(value, float) and not math.isfinite(value)):
        return False
    return not isinstance(value, int) or abs(value) < 2**31
