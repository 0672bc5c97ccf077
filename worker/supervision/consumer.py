"""Celery's consumer: the component of the parent that holds the connection to the broker."""

# Celery and kombu carry no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from typing import Any

import structlog
from celery.worker import consumer
from celery.worker.state import maybe_shutdown

_FIRST_RETRY_DELAY_S, _MAX_RETRY_DELAY_S = 1, 5

log = structlog.get_logger()


class Consumer(consumer.Consumer):
    """Celery's consumer with short delays between retries; by default they grow to half a minute."""

    def ensure_connected(self, conn: Any) -> Any:
        """Return the connection once the broker answers; exit if the worker is to shut down meanwhile."""
        connection = conn.ensure_connection(
            _log_retry,
            max_retries=None,
            interval_start=_FIRST_RETRY_DELAY_S,
            interval_step=_FIRST_RETRY_DELAY_S,
            interval_max=_MAX_RETRY_DELAY_S,
            callback=maybe_shutdown,
        )
        self.first_connection_attempt = False
        return connection


def _log_retry(error: Exception, delay_s: float) -> None:
    log.warning("broker away", action="broker_away", error=str(error), rest_s=delay_s)
