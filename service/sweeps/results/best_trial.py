"""The best trial of a sweep, and the job that stands for it."""

from uuid import UUID

from sqlalchemy.orm import Session

from models import JobState, Sweep
from service.errors import NotFound
from service.sweeps.life.plan import require_plan
from service.sweeps.results import trial_lists
from service.sweeps.results.sweep_results import map_repeats
from service.sweeps.results.trial_lists import TrialDetails


def load_best_trial(session: Session, sweep: Sweep) -> tuple[TrialDetails, UUID | None]:
    """Return the best complete trial so far, and the job of its best repeat; None if its jobs were deleted.

    Raises:
        NotFound: no trial is complete yet.

    """
    if sweep.best_trial is None:
        raise NotFound("complete trial of sweep", sweep.id)
    details = trial_lists.get_trial(session, sweep.id, sweep.best_trial)
    values = map_repeats(details.trial.repeat_values, details.trial.rerun_count)
    objective = require_plan(sweep).objective
    succeeded = [job for job in details.jobs if job.state is JobState.SUCCEEDED and job.repeat in values]
    best = min(succeeded, key=lambda job: objective.sort_key(values[job.repeat]), default=None)
    return details, None if best is None else best.id
