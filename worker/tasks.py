"""The only Celery task, and the setup of a child. Celery's parent imports this module: no heavy imports here."""

# Celery and kombu carry no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from typing import TYPE_CHECKING, Any

import celery.signals
from celery import shared_task

from service.queue.wake_ups import WAKE_UP_TASK
from worker.runtime.shutdown_signal import ShutdownSignal

if TYPE_CHECKING:
    from worker.attempt.job_runner import JobRunner


class _Child:
    """The objects that live as long as the child process."""

    runner: "JobRunner | None" = None
    shutdown_signal = ShutdownSignal()


@celery.signals.worker_process_init.connect
def _prepare_child(**_: object) -> None:
    """Load keras before the first job arrives.

    Celery has already asked the kernel to kill the child when its parent dies, so no orphan continues to train.
    """
    _Child.shutdown_signal.start_listening()
    _get_runner()


@shared_task(name=WAKE_UP_TASK, bind=True, ignore_result=True)
def wake_up(self: Any) -> None:
    """Claim a job from the queue of this message, and run it, if one waits."""
    with _Child.shutdown_signal.defer_sigterm():
        _get_runner().run_next_job(self.request.delivery_info["routing_key"])


def _get_runner() -> "JobRunner":
    if _Child.runner is None:
        from worker.child_process import create_job_runner  # noqa: PLC0415 loads tensorflow: only in children

        _Child.runner = create_job_runner(_Child.shutdown_signal)
    return _Child.runner
