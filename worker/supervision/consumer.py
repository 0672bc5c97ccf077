"""The part of Celery's parent that holds the connection to the broker."""

# Celery and kombu carry no types.
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false

from typing import Any

import structlog
from celery.worker import consumer
from celery.worker.state import maybe_shutdown

_FIRST_REST_S, _LONGEST_REST_S = 1, 5

log = structlog.get_logger()


class Consumer(consumer.Consumer):
    """Celery's own, which does not rest for half a minute before it looks whether the broker is back."""

    def ensure_connected(self, conn: Any) -> Any:
        """The connection, once there is one; ends where the worker is told to end."""
        connected = conn.ensure_connection(
            _note,
            max_retries=None,
            interval_start=_FIRST_REST_S,
            interval_step=_FIRST_REST_S,
            interval_max=_LONGEST_REST_S,
            callback=maybe_shutdown,
        )
        self.first_connection_attempt = False
        return connected


def _note(error: Exception, rest: float) -> None:
    log.warning("broker away", action="broker_away", error=str(error), rest_s=rest)
