"""Why a training stops though nothing is wrong with it, and what becomes of its job.

Stop
├── Cancelled
├── HandedBack
├── Paused
└── OutOfTime
"""

from dataclasses import replace

from models import JobState
from service.jobs import lifecycle
from service.jobs.attempts import Conclusion, LetGo

_BY_FORCE = "It did not stop when asked, and was stopped by force."


class Stop(Exception):
    """Somebody or something wants the attempt to end; `ending` is how."""

    ending: Conclusion | LetGo

    def by_force(self) -> Conclusion | LetGo:
        """The same ending, for a training that did not come to it by itself."""
        why = self.ending.why or {}
        return replace(self.ending, why=why | {"message": f"{why['message']} {_BY_FORCE}"})


class Cancelled(Stop):
    """The job's owner does not want it any more."""

    ending = Conclusion(JobState.CANCELLED, lifecycle.reason("cancelled", "Cancelled while it ran."))


class HandedBack(Stop):
    """The worker is to end; another goes on with the job."""

    ending = LetGo(lifecycle.reason(lifecycle.HANDED_BACK, "Its worker was told to end."))


class Paused(Stop):
    """The job's owner wants it put aside. If it is wanted again by the time it stops, it waits."""

    ending = LetGo(lifecycle.reason(lifecycle.HANDED_BACK, "It was to be paused, and is wanted again."))


class OutOfTime(Stop):
    """It ran for as long as its spec allows."""

    def __init__(self, limit_s: float) -> None:
        super().__init__()
        message = f"It ran for the {limit_s:g} s that run.time_limit_s allows."
        self.ending = Conclusion(JobState.FAILED, lifecycle.reason(lifecycle.TIME_LIMIT, message))
