"""Operations on a sweep by its owner: change, cancel, pause, resume, finish, delete."""

from collections import Counter
from uuid import UUID

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from models import SWEEP_END_STATES, TERMINAL_STATES, DeletedSweep, Job, Sweep, SweepState, Trial, TrialState
from service.db.database import get_current_time
from service.errors import Conflict
from service.jobs import controls as job_controls
from service.jobs import lifecycle
from service.sweeps.life import trial_jobs
from service.sweeps.life.endings import Ending
from service.sweeps.queries import lock_sweep
from stackyard.spec import JobChanges
from stackyard.sweep.requests.sweep_changes import SweepChanges

_BATCH_SIZE = 500


def change_sweep(session: Session, sweep_id: UUID, changes: SweepChanges) -> Sweep:
    """Change the name, the tags, the priority, the budget or the concurrency of a sweep.

    A new priority also holds for the jobs that have not ended. The caller advances the sweep afterwards.

    Raises:
        NotFound: there is no sweep with this id.
        Conflict: the sweep has ended, so that only its name and its tags can be changed.

    """
    sweep = lock_sweep(session, sweep_id)
    given = changes.list_changed_fields()
    if sweep.state in SWEEP_END_STATES and given - {"name", "tags"}:
        raise _build_ended(sweep, "only its name and its tags can be changed")
    document = changes.model_dump(mode="json", include=set(given - {"budget"}))
    if "budget" in given:
        budget = changes.budget.model_dump(mode="json", exclude_unset=True)
        document["budget"] = {**sweep.spec.get("budget", {}), **budget}
    sweep.spec = {**sweep.spec, **document}
    sweep.spec_version += 1
    if "name" in given:
        sweep.name = changes.name
    if "priority" in given:
        sweep.priority = changes.priority
        _change_job_priorities(session, sweep_id, changes.priority)
    sweep.changed_at, sweep.has_more_work = get_current_time(session), True
    return sweep


def cancel_sweep(session: Session, sweep_id: UUID) -> Sweep:
    """Cancel a sweep with its jobs. It is cancelled once its running jobs have stopped. A repeat changes nothing.

    The caller advances the sweep afterwards.

    Raises:
        NotFound: there is no sweep with this id.
        Conflict: the sweep ended before in another state.

    """
    sweep = lock_sweep(session, sweep_id)
    if sweep.state is SweepState.CANCELLED:
        return sweep
    if sweep.state in SWEEP_END_STATES:
        raise _build_ended(sweep, "it cannot be cancelled")
    reason = lifecycle.build_reason("cancelled", "Cancelled by a client.")
    return _request_end(session, sweep, Ending(SweepState.CANCELLED, reason, stops_jobs=True, reruns_best=False))


def finish_sweep(session: Session, sweep_id: UUID) -> Sweep:
    """End the search of a sweep: it starts no more trials, and succeeds when those that it has started have ended.

    Repeating the request changes nothing. The caller advances the sweep afterwards.

    Raises:
        NotFound: there is no sweep with this id.
        Conflict: the sweep has ended in another state, or is being cancelled.

    """
    sweep = lock_sweep(session, sweep_id)
    ending = Ending.of(sweep)
    if sweep.state is SweepState.SUCCEEDED or (ending is not None and ending.state is SweepState.SUCCEEDED):
        return sweep
    if sweep.state in SWEEP_END_STATES or ending is not None:
        raise _build_ended(sweep, "it cannot be finished")
    reason = lifecycle.build_reason("finished", "Finished by a client.")
    return _request_end(session, sweep, Ending(SweepState.SUCCEEDED, reason))


def pause_sweep(session: Session, sweep_id: UUID) -> Sweep:
    """Pause a sweep with its jobs: waiting jobs at once, running ones after their next checkpoint.

    Repeating the request changes nothing.

    Raises:
        NotFound: there is no sweep with this id.
        Conflict: the sweep has ended, or is being cancelled.

    """
    sweep = lock_sweep(session, sweep_id)
    ending = Ending.of(sweep)
    if sweep.state in SWEEP_END_STATES or (ending is not None and ending.stops_jobs):
        raise _build_ended(sweep, "it cannot be paused")
    if sweep.state is SweepState.RUNNING:
        sweep.state, sweep.reason = SweepState.PAUSED, lifecycle.build_reason("paused", "Paused by a client.")
        sweep.changed_at = get_current_time(session)
    trial_jobs.pause_jobs(session, sweep_id)
    return sweep


def resume_sweep(session: Session, sweep_id: UUID) -> Counter[str]:
    """Let a paused sweep go on, with its jobs. Repeating the request changes nothing.

    The caller advances the sweep afterwards.

    Returns:
        The number of jobs that wait again, by queue.

    Raises:
        NotFound: there is no sweep with this id.
        Conflict: the sweep has ended.

    """
    sweep = lock_sweep(session, sweep_id)
    if sweep.state in SWEEP_END_STATES:
        raise _build_ended(sweep, "it cannot be resumed")
    if sweep.state is not SweepState.PAUSED:
        return Counter()
    sweep.state, sweep.reason = SweepState.RUNNING, None
    sweep.changed_at = get_current_time(session)
    session.execute(update(Trial).where(Trial.sweep_id == sweep_id, Trial.losses > 0).values(losses=0))
    open_trials = select(Trial.number).where(Trial.sweep_id == sweep_id, Trial.state == TrialState.WAITING)
    return trial_jobs.resume_jobs(session, sweep_id, Job.trial_number.in_(open_trials))


def delete_sweep(session: Session, sweep_id: UUID, *, keep_jobs: bool = False) -> None:
    """Delete a sweep in any state, with its trials and its jobs.

    Args:
        session: in a transaction that may write.
        sweep_id: the sweep.
        keep_jobs: whether jobs that have ended stay, as jobs without a sweep.

    Raises:
        NotFound: there is no sweep with this id.

    """
    project_id = lock_sweep(session, sweep_id).project_id
    while job_ids := _list_deleted_jobs(session, sweep_id, keep_jobs=keep_jobs):
        job_controls.delete_jobs(session, job_ids)
    kept = update(Job).where(Job.sweep_id == sweep_id).values(sweep_id=None, trial_number=None, repeat=None)
    session.execute(kept, execution_options={"synchronize_session": False})
    session.execute(delete(Sweep).where(Sweep.id == sweep_id))
    session.add(DeletedSweep(id=sweep_id, project_id=project_id, deleted_at=get_current_time(session)))


def _list_deleted_jobs(session: Session, sweep_id: UUID, *, keep_jobs: bool) -> list[UUID]:
    query = select(Job.id).where(Job.sweep_id == sweep_id)
    if keep_jobs:
        query = query.where(Job.state.not_in(TERMINAL_STATES))
    return list(session.scalars(query.order_by(Job.id).limit(_BATCH_SIZE).with_for_update()))


def _request_end(session: Session, sweep: Sweep, ending: Ending) -> Sweep:
    ending.store(sweep)
    sweep.has_more_work = True  # the API advances the sweep next; if it dies first, a reconciler does
    sweep.changed_at = get_current_time(session)
    return sweep


def _change_job_priorities(session: Session, sweep_id: UUID, priority: int) -> None:
    query = select(Job.id).where(Job.sweep_id == sweep_id, Job.state.not_in(TERMINAL_STATES))
    for job_id in session.scalars(query.order_by(Job.id).with_for_update()).all():
        job_controls.change_job(session, job_id, JobChanges(priority=priority))


def _build_ended(sweep: Sweep, consequence: str) -> Conflict:
    ending = Ending.of(sweep)
    state = (
        sweep.state.value if ending is None or sweep.state in SWEEP_END_STATES else f"about to be {ending.state.value}"
    )
    return Conflict("already_finished", f"The sweep is {state}; {consequence}.")
