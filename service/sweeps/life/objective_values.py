"""The objective of jobs, from their recorded metrics."""

from collections.abc import Mapping, Sequence
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from models import JobMetric
from service.history import metric_history
from service.sweeps.life.plan import SweepPlan


def load_objective_values(session: Session, plan: SweepPlan, job_ids: Sequence[UUID]) -> Mapping[UUID, float]:
    """Return the objective of each job that has recorded a finite one.

    Args:
        session: to read from.
        plan: the plan of the sweep.
        job_ids: jobs of the sweep whose training has ended or is held.

    """
    if plan.objective.at == "best" and not plan.uses_recorded_best():
        values = {job_id: _compute_best(session, plan, job_id) for job_id in job_ids}
    else:
        column = JobMetric.last if plan.objective.at == "last" else JobMetric.best
        query = select(JobMetric.job_id, column).where(JobMetric.name == plan.objective.metric)
        values = {row[0]: row[1] for row in session.execute(query.where(JobMetric.job_id.in_(job_ids)))}
    return {job_id: value for job_id, value in values.items() if value is not None}


def _compute_best(session: Session, plan: SweepPlan, job_id: UUID) -> float | None:
    """Return the best value in a direction that the metric's class does not have."""
    history = metric_history.load_history(session, job_id)
    return plan.objective.select_best(history.metrics.get(plan.objective.metric, ()))
