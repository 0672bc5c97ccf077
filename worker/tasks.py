"""The one task, and what a child does before its first. Celery's parent imports this too: nothing heavy here."""

# Celery and kombu carry no types.
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false

from typing import TYPE_CHECKING, Any

import celery.signals
from celery import shared_task

from service.queue.wake_ups import WAKE_UP
from worker.runtime.shutdown_signal import Notice

if TYPE_CHECKING:
    from worker.attempt.job_runner import Runner


class _Child:
    """What one child process holds from its start to its end."""

    runner: "Runner | None" = None
    notice = Notice()


@celery.signals.worker_process_init.connect
def _prepare_child(**_: object) -> None:
    """Load keras while nobody waits for it.

    Celery has asked the kernel before this to kill the child when its parent dies: no orphan goes on training.
    """
    _Child.notice.listen()
    _runner()


@shared_task(name=WAKE_UP, bind=True, ignore_result=True)
def wake_up(self: Any) -> None:
    """Claim a job from the queue by which this message came, and run it, if there is one."""
    with _Child.notice.instead_of_ending():
        _runner().run_next(self.request.delivery_info["routing_key"])


def _runner() -> "Runner":
    if _Child.runner is None:
        from worker.child_process import create_runner  # noqa: PLC0415 loads tensorflow: for children alone

        _Child.runner = create_runner(_Child.notice)
    return _Child.runner
