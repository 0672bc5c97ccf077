"""Fixtures for the tests of a worker's processes."""

import pytest

from service.queue.wake_ups import WakeUpSender, create_celery_app


@pytest.fixture
def wake_ups(settings):
    """Wake-ups on a broker whose queues were emptied, because earlier tests may have left messages."""
    with create_celery_app(settings).connection_for_write() as connection:
        for queue in ("cpu", "gpu"):
            connection.default_channel.queue_declare(queue)
            connection.default_channel.queue_purge(queue)
    return WakeUpSender(settings)
