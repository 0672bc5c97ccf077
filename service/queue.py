"""Wake-ups: messages that say "there may be work for this queue" and nothing else.

The job's row is the truth, so a wake-up may be lost, doubled or late without harm. Hence no result backend, no
retries, and acknowledgement before the work: a broker that delivers again after its visibility timeout would only
wake a worker that finds nothing to claim.
"""

# Celery and kombu carry no types.
# pyright: reportUnknownMemberType=false

from enum import StrEnum
from typing import Any

import structlog
from celery import Celery
from kombu import Queue  # pyright: ignore[reportPrivateImportUsage]  # kombu loads its names lazily
from kombu.exceptions import OperationalError

from service.settings import Settings

WAKE_UP = "stackyard.wake_up"
"""The task's name: the one message that there is."""

_CONNECT_TIMEOUT_S = 1
_CHILD_START_TIMEOUT_S = 120
"""A child imports keras before it reports: 4 s on an idle machine, far more on a busy one."""

log = structlog.get_logger()


class QueueName(StrEnum):
    """The queues, one a kind of device."""

    CPU = "cpu"
    GPU = "gpu"


def create_celery(settings: Settings) -> Celery:
    """The Celery application that the API sends with and the worker runs."""
    app = Celery("stackyard", broker=settings.broker_url, set_as_current=False)
    app.conf.update(
        accept_content=["json"],
        task_serializer="json",
        task_ignore_result=True,
        task_acks_late=False,
        task_queues=[Queue(settings.device)],
        task_default_queue=settings.device,
        worker_pool="prefork",
        worker_pool_start_method="spawn",  # a forked child would share its parent's threads' locks
        worker_proc_alive_timeout=_CHILD_START_TIMEOUT_S,
        worker_prefetch_multiplier=1,
        worker_disable_prefetch=True,
        worker_max_memory_per_child=settings.child_memory // 1024,
        worker_send_task_events=False,
        worker_redirect_stdouts=False,
        worker_cancel_long_running_tasks_on_connection_loss=False,
        broker_connection_retry_on_startup=True,
        broker_transport_options={"socket_connect_timeout": _CONNECT_TIMEOUT_S},
    )
    return app


class WakeUps:
    """Sends wake-ups; never fails, because the reconciler sends again what did not arrive.

    Tries once and does not wait for a broker that is down: whoever sends has better things to do.
    """

    def __init__(self, settings: Settings) -> None:
        self._app: Any = create_celery(settings)
        self._app.conf.broker_transport_options |= {"max_retries": 0, "connect_retries_timeout": _CONNECT_TIMEOUT_S}

    def send(self, queue: str) -> None:
        """Tell the workers of `queue` that there may be a job to claim."""
        try:
            self._app.send_task(WAKE_UP, queue=queue, retry=False, ignore_result=True)
        except (OperationalError, OSError) as error:
            log.warning("wake-up not sent", action="wake_up_failed", queue=queue, error=str(error))

    def pending(self, queue: str) -> int:
        """How many wake-ups of `queue` nobody has taken yet.

        Raises:
            OperationalError: the broker cannot be reached.

        """
        with self._app.connection_for_write() as connection, connection.channel() as channel:
            declared: Any = Queue(queue, channel=channel)
            return declared.queue_declare(passive=False).message_count

    def broker_answers(self) -> bool:
        """Whether the broker can be reached at this moment."""
        try:
            with self._app.connection_for_write() as connection:
                connection.ensure_connection(max_retries=0, timeout=_CONNECT_TIMEOUT_S)
        except (OperationalError, OSError):
            return False
        return True
