"""Proposals for the next trials, from the trials so far."""

from collections.abc import Iterator, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import Sweep, Trial, TrialState
from service.sweeps.life.plan import SweepPlan
from service.sweeps.proposals import Outcome, SeenTrial, propose_batch
from stackyard.sweep import Parameters

_LEARNING_METHOD = "tpe"
OUTCOMES: dict[TrialState, Outcome] = {
    TrialState.HELD: "halted",
    TrialState.COMPLETE: "complete",
    TrialState.HALTED: "halted",
    TrialState.DIVERGED: "diverged",
    TrialState.FAILED: "failed",
    TrialState.INVALID: "invalid",
}
"""The outcome that the search sees, by the state of a trial; it sees all others as running."""


def propose_trials(
    session: Session, sweep: Sweep, plan: SweepPlan, *, max_trials: int, batch_size: int
) -> Iterator[Parameters]:
    """Yield the parameters of the next trials. The caller stores each one before it asks for the next.

    Args:
        session: in a transaction that holds the lock of the sweep.
        sweep: the sweep.
        plan: its plan.
        max_trials: number of trials after which the search is not asked for more.
        batch_size: number of trials to propose at once, where that is faster.

    """
    trials = _load_seen_trials(session, sweep, plan)
    first, size = sweep.trial_count, 1 if plan.spec.method == _LEARNING_METHOD else batch_size
    for number in range(first, first + max_trials, size):
        proposals = propose_batch(plan.spec, plan.space, range(number, number + size), trials)
        yield from proposals
        if len(proposals) < size:
            return
        trials = [*trials, *_load_seen_trials(session, sweep, plan, from_number=number)]


def _load_seen_trials(session: Session, sweep: Sweep, plan: SweepPlan, from_number: int = 0) -> Sequence[SeenTrial]:
    """Load the trials that matter for the next proposal; none where it depends on their number alone."""
    if plan.spec.method != _LEARNING_METHOD and (plan.space.size is None or plan.spec.method in {"grid", "list"}):
        return []
    columns = (Trial.number, Trial.parameters, Trial.state, Trial.value, Trial.epochs)
    query = select(*columns).where(Trial.sweep_id == sweep.id, Trial.number >= from_number).order_by(Trial.number)
    return [
        SeenTrial(row.number, row.parameters, OUTCOMES.get(row.state, "running"), row.value, row.epochs)
        for row in session.execute(query)
    ]
