"""Wake-ups: messages that say "there may be work for this queue" and nothing else.

The job's row is the truth, so a wake-up may be lost, doubled or late without harm. Hence no result backend, no
retries, and no acknowledgement: a wake-up is gone once it is taken.
"""

# Celery and kombu carry no types.
# pyright: reportUnknownMemberType=false

from collections.abc import Generator
from contextlib import contextmanager
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qs, urlsplit

import structlog
from celery import Celery
from kombu import Queue  # pyright: ignore[reportPrivateImportUsage]  # kombu loads its names lazily
from kombu.exceptions import OperationalError
from redis.exceptions import RedisError

from service.settings import Settings

WAKE_UP = "stackyard.wake_up"
"""The task's name: the one message that there is."""

_CONNECT_TIMEOUT_S = 1
_ANSWER_TIMEOUT_S = 5
"""A broker that accepts connections and does not answer is as good as gone."""
_SILENCE_S = 5
"""A worker that waits for messages looks this often whether the broker still answers, and is deaf for at most twice
as long where it went away without a word."""
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
        broker_use_ssl=_verification(settings.broker_url),
        accept_content=["json"],
        task_serializer="json",
        task_ignore_result=True,
        task_acks_late=False,
        # What a worker could not acknowledge, because the broker hung just then, it would take to be its own for ever.
        task_queues=[Queue(settings.device, no_ack=True)],
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
        worker_consumer="worker.supervision.consumer:Consumer",
        broker_transport_options={
            "socket_connect_timeout": _CONNECT_TIMEOUT_S,
            "socket_timeout": _ANSWER_TIMEOUT_S,
            "socket_keepalive": True,
            "health_check_interval": _SILENCE_S,
        },
    )
    return app


def _verification(broker_url: str) -> dict[str, Any] | None:
    """What a `rediss://` URL that says nothing of certificates stands for; kombu would take any certificate."""
    parts = urlsplit(broker_url)
    silent = not any(name.startswith("ssl_") for name in parse_qs(parts.query))
    return {"ssl_cert_reqs": "required", "ssl_check_hostname": True} if parts.scheme == "rediss" and silent else None


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
            with _absence_told():
                self._app.send_task(WAKE_UP, queue=queue, retry=False, ignore_result=True)
        except OperationalError as error:
            log.warning("wake-up not sent", action="wake_up_failed", queue=queue, error=str(error))

    def pending(self, queue: str) -> int:
        """How many wake-ups of `queue` nobody has taken yet.

        Raises:
            OperationalError: the broker cannot be reached.

        """
        with _absence_told(), self._app.connection_for_write() as connection, connection.channel() as channel:
            declared: Any = Queue(queue, channel=channel)
            return declared.queue_declare(passive=False).message_count

    def broker_answers(self) -> bool:
        """Whether the broker can be reached at this moment."""
        try:
            with _absence_told(), self._app.connection_for_write() as connection:
                connection.ensure_connection(max_retries=0, timeout=_CONNECT_TIMEOUT_S)
        except OperationalError:
            return False
        return True


@contextmanager
def _absence_told() -> Generator[None]:
    """Raise as kombu's OperationalError whatever kombu lets through of a broker that is away, ill or full.

    Raises:
        OperationalError: one of these.

    """
    try:
        yield
    except (RedisError, OSError) as error:
        raise OperationalError(str(error)) from error
