"""Prepared rows, kept in memory between jobs."""

from collections import OrderedDict

from worker.preparation.prepared_data import Prepared


class Cache:
    """Prepared rows by key, least recently used out.

    Args:
        most: bytes that the arrays of all of them together may take up.

    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[str, Prepared] = OrderedDict()

    def get(self, key: str) -> Prepared | None:
        """What is kept under a key."""
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def keep(self, key: str, prepared: Prepared) -> None:
        """Keep what was made, unless it alone is too large, and let go of what has no room beside it."""
        if prepared.bytes > self._most:
            return
        self._kept[key] = prepared
        while sum(kept.bytes for kept in self._kept.values()) > self._most:
            self._kept.popitem(last=False)

    def clear(self) -> None:
        """Keep nothing."""
        self._kept.clear()
