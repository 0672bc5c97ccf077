"""Get and list sweeps."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from models import Job, JobState, Sweep, SweepState, Trial, TrialState
from service.db import pagination
from service.db.pagination import Page
from service.errors import NotFound
from service.team.ownership.filters import ANY_OWNERSHIP, OwnershipFilter
from service.team.ownership.names import load_ownership_names


@dataclass(frozen=True)
class SweepFilter:
    """Conditions on the sweeps of a list; a condition that is None or empty accepts every sweep."""

    states: Sequence[SweepState] = ()
    name: str | None = None
    id_prefix: str | None = None
    text: str | None = None
    ownership: OwnershipFilter = ANY_OWNERSHIP


@dataclass(frozen=True)
class SweepDetails:
    """A sweep with the names of its owner and project, the number of its trials in each state, and what they used.

    `epochs` and `seconds` count trials that have ended or are held. Trials with a running job count as `running`.
    """

    sweep: Sweep
    owner: str | None
    project: str
    counts: Mapping[TrialState, int]
    epochs: int
    seconds: float


def get_sweep(session: Session, sweep_id: UUID) -> Sweep:
    """Return the sweep.

    Raises:
        NotFound: there is no sweep with this id.

    """
    sweep = session.get(Sweep, sweep_id)
    if sweep is None:
        raise NotFound("sweep", sweep_id)
    return sweep


def lock_sweep(session: Session, sweep_id: UUID) -> Sweep:
    """Return the sweep, locked until the transaction ends.

    Raises:
        NotFound: there is no sweep with this id.

    """
    sweep = session.get(Sweep, sweep_id, with_for_update=True, populate_existing=True)
    if sweep is None:
        raise NotFound("sweep", sweep_id)
    return sweep


def list_sweeps(session: Session, sweep_filter: SweepFilter, *, limit: int, cursor: str | None) -> Page[Sweep]:
    """Return a page of the sweeps that match a filter, newest first.

    Raises:
        InvalidInput: the cursor does not come from an earlier page.

    """
    query = select(Sweep).where(*sweep_filter.ownership.build_conditions(Sweep))
    if sweep_filter.states:
        query = query.where(Sweep.state.in_(sweep_filter.states))
    if sweep_filter.name is not None:
        query = query.where(Sweep.name == sweep_filter.name)
    if sweep_filter.id_prefix is not None:
        query = query.where(Sweep.id.between(*pagination.compute_id_range(sweep_filter.id_prefix)))
    if sweep_filter.text is not None:
        query = query.where(Sweep.name.icontains(sweep_filter.text, autoescape=True))
    return pagination.fetch_page(session, query, Sweep.id, limit=limit, cursor=cursor)


def load_sweep_details(session: Session, sweeps: Sequence[Sweep]) -> list[SweepDetails]:
    """Load the details of sweeps, in their order."""
    ids = [sweep.id for sweep in sweeps]
    sums = (func.count(), func.sum(Trial.epochs), func.sum(Trial.seconds))
    query = select(Trial.sweep_id, Trial.state, *sums).where(Trial.sweep_id.in_(ids))
    rows = session.execute(query.group_by(Trial.sweep_id, Trial.state)).all()
    running = _count_running_trials(session, ids)
    names = load_ownership_names(session, sweeps)
    details: list[SweepDetails] = []
    for sweep in sweeps:
        own = [row for row in rows if row.sweep_id == sweep.id]
        counts = dict.fromkeys(TrialState, 0) | {row.state: int(row[2]) for row in own}
        counts[TrialState.RUNNING] = running.get(sweep.id, 0)
        counts[TrialState.WAITING] -= counts[TrialState.RUNNING]
        settled = [row for row in own if row.state is not TrialState.WAITING]
        epochs, seconds = sum(int(row[3]) for row in settled), float(sum(row[4] for row in settled))
        owner, project = names.get_owner(sweep), names.get_project(sweep)
        details.append(SweepDetails(sweep, owner, project, counts, epochs, seconds))
    return details


def _count_running_trials(session: Session, sweep_ids: Sequence[UUID]) -> dict[UUID, int]:
    number = func.count(Job.trial_number.distinct())
    query = select(Job.sweep_id, number).join(
        Trial, (Trial.sweep_id == Job.sweep_id) & (Trial.number == Job.trial_number)
    )
    conditions = (Job.sweep_id.in_(sweep_ids), Job.state == JobState.RUNNING, Trial.state == TrialState.WAITING)
    rows = session.execute(query.where(*conditions).group_by(Job.sweep_id))
    return {sweep_id: int(count) for sweep_id, count in rows if sweep_id is not None}
