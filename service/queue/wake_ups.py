"""Wake-ups: messages that say "there may be work for this queue" and nothing else.

The database holds the state of each job, so a wake-up may be lost, doubled or late without harm. Therefore there is no
result backend, no retry and no acknowledgement: a wake-up is gone as soon as a worker receives it.
"""

# Celery and kombu have no type annotations.
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

WAKE_UP_TASK = "stackyard.wake_up"
"""The name of the only Celery task."""

_CONNECT_TIMEOUT_S = 1
_RESPONSE_TIMEOUT_S = 5
"""A broker that accepts connections but does not respond for so long counts as unreachable."""
_HEALTH_CHECK_INTERVAL_S = 5
"""How often a worker that waits for messages checks the broker. If the broker vanishes without closing a connection,
the worker misses messages for at most twice as long."""
_CHILD_START_TIMEOUT_S = 120
"""A child imports keras before it reports that it runs, which may take long on a busy machine."""

log = structlog.get_logger()


class QueueName(StrEnum):
    """The queues: one for each kind of device."""

    CPU = "cpu"
    GPU = "gpu"


def create_celery_app(settings: Settings) -> Celery:
    """Create the Celery application that the API sends messages with and the worker runs."""
    broker_url = settings.resolved_broker_url
    app = Celery("stackyard", broker=broker_url, set_as_current=False)
    app.conf.update(
        broker_use_ssl=_build_tls_options(broker_url),
        accept_content=["json"],
        task_serializer="json",
        task_ignore_result=True,
        task_acks_late=False,
        # A worker that cannot acknowledge a message, because the broker hangs, would never receive another one.
        task_queues=[Queue(settings.device, no_ack=True)],
        task_default_queue=settings.device,
        worker_pool="prefork",
        worker_pool_start_method="spawn",  # a forked child would inherit locks that threads of its parent hold
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
            "socket_timeout": _RESPONSE_TIMEOUT_S,
            "socket_keepalive": True,
            "health_check_interval": _HEALTH_CHECK_INTERVAL_S,
        },
    )
    return app


def _build_tls_options(broker_url: str) -> dict[str, Any] | None:
    """Return options that verify the certificate, for a `rediss://` URL without such options of its own.

    Without them, kombu would accept any certificate.
    """
    parts = urlsplit(broker_url)
    has_options = any(name.startswith("ssl_") for name in parse_qs(parts.query))
    if parts.scheme != "rediss" or has_options:
        return None
    return {"ssl_cert_reqs": "required", "ssl_check_hostname": True}


class WakeUpSender:
    """Sends wake-ups. It never fails, because the reconciler sends missing wake-ups again.

    It tries once and does not wait for a broker that is away, so that its callers are not delayed.

    Args:
        settings: for the address of the broker.
        response_timeout_s: seconds after which a broker that does not respond counts as unreachable.

    """

    def __init__(self, settings: Settings, *, response_timeout_s: float = _RESPONSE_TIMEOUT_S) -> None:
        self._app: Any = create_celery_app(settings)
        self._app.conf.broker_transport_options |= {
            "max_retries": 0,
            "connect_retries_timeout": _CONNECT_TIMEOUT_S,
            "socket_timeout": response_timeout_s,
        }

    def send(self, queue: str) -> None:
        """Tell the workers of `queue` that there may be a job to claim."""
        try:
            with _translate_broker_errors():
                self._app.send_task(WAKE_UP_TASK, queue=queue, retry=False, ignore_result=True)
        except OperationalError as error:
            log.warning("wake-up not sent", action="wake_up_failed", queue=queue, error=str(error))

    def count_pending(self, queue: str) -> int:
        """Return the number of wake-ups of `queue` that no worker has received yet.

        Raises:
            OperationalError: the broker cannot be reached.

        """
        with (
            _translate_broker_errors(),
            self._app.connection_for_write() as connection,
            connection.channel() as channel,
        ):
            declared_queue: Any = Queue(queue, channel=channel)
            return declared_queue.queue_declare(passive=False).message_count

    def is_broker_reachable(self) -> bool:
        """Return whether the broker can be reached now."""
        try:
            with _translate_broker_errors(), self._app.connection_for_write() as connection:
                connection.ensure_connection(max_retries=0, timeout=_CONNECT_TIMEOUT_S)
        except OperationalError:
            return False
        return True


@contextmanager
def _translate_broker_errors() -> Generator[None]:
    """Raise kombu's OperationalError for the errors that kombu does not translate itself.

    They come from a broker that is unreachable, faulty or full.

    Raises:
        OperationalError: one of these errors.

    """
    try:
        yield
    except (RedisError, OSError) as error:
        raise OperationalError(str(error)) from error
