"""Exceptions that stop a training that works, and how its attempt then ends.

StopTraining
├── JobCancelled
├── WorkerShutdown
├── JobPaused
├── UntilEpochReached
└── TimeLimitReached
"""

from models import JobState
from service.jobs import lifecycle
from service.jobs.attempts import Conclusion, ReleasedAttempt, StoredCheckpoint

_FORCED_STOP = "The training did not stop in time and was stopped by force."


class StopTraining(Exception):
    """The attempt is to end, for a reason other than an error; `ending` is how."""

    ending: Conclusion | ReleasedAttempt

    def build_forced_ending(self) -> Conclusion | ReleasedAttempt:
        """Return the same ending, with a message that the training was stopped by force."""
        reason = self.ending.reason or {}
        forced_reason = reason | {"message": f"{reason['message']} {_FORCED_STOP}"}
        if isinstance(self.ending, ReleasedAttempt):
            return ReleasedAttempt(forced_reason)
        return Conclusion(self.ending.state, forced_reason)


class JobCancelled(StopTraining):
    """A client cancelled the job."""

    ending = Conclusion(JobState.CANCELLED, lifecycle.build_reason("cancelled", "Cancelled while it ran."))


class WorkerShutdown(StopTraining):
    """The worker shuts down; another worker continues the job."""

    ending = ReleasedAttempt(lifecycle.build_reason(lifecycle.HANDED_BACK, "Its worker was shut down."))


class JobPaused(StopTraining):
    """A client paused the job. If it was resumed before the attempt stopped, the job is queued again."""

    ending = ReleasedAttempt(
        lifecycle.build_reason(lifecycle.HANDED_BACK, "It was resumed before its attempt had paused.")
    )


class UntilEpochReached(StopTraining):
    """The job has trained as many epochs as its `until_epoch` allows, and pauses with this checkpoint.

    If a client raised the number before the attempt stopped, the job is queued again.
    """

    def __init__(self, checkpoint: StoredCheckpoint) -> None:
        super().__init__()
        message = "Its until_epoch was changed before its attempt had paused."
        self.ending = ReleasedAttempt(lifecycle.build_reason(lifecycle.HANDED_BACK, message), checkpoint)


class TimeLimitReached(StopTraining):
    """The job ran for as long as its spec allows."""

    def __init__(self, limit_s: float) -> None:
        super().__init__()
        message = f"It ran for the {limit_s:g} s that run.time_limit_s allows."
        self.ending = Conclusion(JobState.FAILED, lifecycle.build_reason(lifecycle.TIME_LIMIT, message))
