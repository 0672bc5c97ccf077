"""Repeated requests until something has ended."""

import time
from collections.abc import Callable
from typing import TypeVar

from stackyard.client.errors import ConnectionFailedError

Item = TypeVar("Item")
_FIRST_POLL_S = 0.05


def poll_until(
    load: Callable[[], Item],
    has_ended: Callable[[Item], bool],
    *,
    poll: float,
    patience: float,
    timeout: float | None = None,
    on_update: Callable[[Item], None] | None = None,
) -> tuple[Item, bool]:
    """Load an item until it has ended, and return it, and whether it has ended in time.

    Args:
        load: loads the item.
        has_ended: whether an item has ended.
        poll: the longest time between two requests, in seconds; the first requests follow faster.
        patience: seconds for which the server may be unreachable, as while it restarts.
        timeout: seconds after which to give up; None for never.
        on_update: called with the item after the first request and whenever the item has changed.

    Raises:
        ConnectionFailedError: the server did not answer at first, or for longer than the patience.

    """
    started_at = answered_at = time.monotonic()
    delay = min(_FIRST_POLL_S, poll)
    previous: Item | None = None
    while True:
        try:
            item = load()
            answered_at = time.monotonic()
        except ConnectionFailedError:
            if previous is None or time.monotonic() - answered_at > patience:
                raise
            item = previous
        if item != previous and on_update is not None:
            on_update(item)
        previous = item
        if has_ended(item):
            return item, True
        if timeout is not None and time.monotonic() - started_at > timeout:
            return item, False
        time.sleep(delay)
        delay = min(1.5 * delay, poll)
