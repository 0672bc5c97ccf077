"""Trials whose parameters, or whose values, come from the client."""

from collections import Counter
from collections.abc import Mapping
from uuid import UUID

from pydantic import JsonValue
from sqlalchemy.orm import Session

from models import Sweep, SweepState, Trial, TrialState
from service.db.database import get_current_time
from service.errors import Conflict, NotFound
from service.jobs import lifecycle
from service.jobs.validation import ValidatedSpec
from service.sweeps.life import trial_jobs
from service.sweeps.life.plan import SweepPlan, require_plan
from service.sweeps.life.reruns import select_complete_trials
from service.sweeps.life.settlement import report_trial
from service.sweeps.life.starting import Starter, count_epochs
from service.sweeps.life.trial_jobs import SpecValidator
from service.sweeps.life.usage import compute_allowance, count_trials_by_state, load_usage
from service.sweeps.queries import lock_sweep
from service.team import limits as user_limits
from service.team.session_scope import Ownership, act_for
from stackyard.spec import Fault, Limits, SpecError
from stackyard.sweep.requests.sweep_changes import ClientTrial

_NUMBERED_METHODS = frozenset({"grid", "list"})
"""Methods that derive the parameters of each trial from its number, so that no other trial may take a number."""


def add_client_trial(
    session: Session, sweep_id: UUID, client_trial: ClientTrial, limits: Limits
) -> tuple[Trial, Counter[str]]:
    """Add a trial with a client's parameters. With a value it is complete at once; otherwise its jobs wait.

    The caller advances the sweep afterwards.

    Returns:
        The trial, and the number of its jobs by queue.

    Raises:
        NotFound: there is no sweep with this id, or its dataset was deleted.
        SpecError: the parameters do not belong to the space, or their spec is not valid.
        Conflict: the sweep takes no trial now.
        TooManyRequests: its owner has as many waiting jobs as they may.

    """
    sweep = lock_sweep(session, sweep_id)
    with act_for(session, Ownership(sweep.project_id, sweep.owner_id)):
        return _add_client_trial(session, sweep, client_trial, limits)


def _add_client_trial(
    session: Session, sweep: Sweep, client_trial: ClientTrial, limits: Limits
) -> tuple[Trial, Counter[str]]:
    plan = require_plan(sweep)
    _check_openness(session, sweep, plan)
    allowance = compute_allowance(session, sweep.id, plan)
    now = get_current_time(session)
    starter = Starter(session, sweep, plan, SpecValidator(session, sweep, limits), allowance, now)
    validated = _validate(starter, client_trial.parameters, sweep.trial_count)
    epochs = 0 if client_trial.value is not None else count_epochs(plan, validated)
    if bound := allowance.find_exhausted(load_usage(session, sweep.id, plan), 1, epochs):
        raise Conflict("budget_used_up", f"The sweep's budget of {bound} is used up; raise it first.")
    if client_trial.value is None:
        user_limits.check_queue_limit(session, sweep.owner_id, len(validated))
    trial = starter.add_trial(client_trial.parameters, epochs=epochs, is_from_client=True)
    sweep.changed_at, sweep.has_more_work = get_current_time(session), True
    if client_trial.value is None:
        return trial, trial_jobs.insert_trial_jobs(session, validated)
    _set_value(session, sweep, plan, trial, client_trial.value)
    return trial, Counter()


def set_trial_value(session: Session, sweep_id: UUID, number: int, value: float) -> Trial:
    """Replace the value of a complete trial of a sweep with the method "external" by the client's own.

    Raises:
        NotFound: there is no such sweep or trial.
        Conflict: the sweep has another method or has ended, or the trial is not complete.

    """
    sweep = lock_sweep(session, sweep_id)
    trial = session.get(Trial, (sweep_id, number), populate_existing=True)
    if trial is None:
        raise NotFound("trial", number)
    if sweep.method != "external":
        raise Conflict("not_external", 'Only trials of a sweep with the method "external" take values of the client.')
    if trial.state is not TrialState.COMPLETE or trial.rerun_count:
        raise Conflict("not_complete", f"The trial is {trial.state.value}; only a complete one takes a value.")
    plan = require_plan(sweep)
    _set_value(session, sweep, plan, trial, value)
    _choose_best_again(session, sweep, plan)
    sweep.changed_at, sweep.has_more_work = get_current_time(session), True
    return trial


def _check_openness(session: Session, sweep: Sweep, plan: SweepPlan) -> None:
    if sweep.method in _NUMBERED_METHODS:
        message = f'A sweep with the method "{sweep.method}" takes no trial of a client.'
        raise Conflict("not_external", message)
    if sweep.state is not SweepState.RUNNING or sweep.ending is not None:
        raise Conflict("not_running", f"The sweep is {sweep.state.value}, or about to end; it takes no more trials.")
    bound = plan.spec.concurrency
    if bound is not None and count_trials_by_state(session, sweep.id)[TrialState.WAITING] >= bound:
        message = f"The sweep has {bound} trials that wait or run, as many as its max_concurrent; wait for one to end."
        raise Conflict("too_many_trials", message)


def _validate(starter: Starter, parameters: Mapping[str, JsonValue], number: int) -> list[ValidatedSpec]:
    try:
        return starter.validate_trial(parameters, number)
    except SpecError as error:
        raise SpecError(_move_fault(fault) for fault in error.faults) from None


def _move_fault(fault: Fault) -> Fault:
    """Return a fault at a pointer into the request: faults of the space are at pointers into the sweep."""
    is_from_sweep = fault.pointer.startswith(("/space", "/base", "/objective"))
    return fault.model_copy(update={"pointer": "/parameters" + ("" if is_from_sweep else fault.pointer)})


def _set_value(session: Session, sweep: Sweep, plan: SweepPlan, trial: Trial, value: float) -> None:
    trial.value, trial.repeat_values = value, [value]
    reason = lifecycle.build_reason("told", "A client has set its value.")
    report_trial(session, sweep, plan, trial, state=TrialState.COMPLETE, value=value, reason=reason)


def _choose_best_again(session: Session, sweep: Sweep, plan: SweepPlan) -> None:
    best = session.scalars(select_complete_trials(sweep, plan).limit(1)).first()
    if best is not None:
        sweep.best_trial, sweep.best_value = best.number, best.value
