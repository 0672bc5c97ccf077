"""A least-recently-used cache in memory, bounded by the total size of its values."""

from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class MemoryCache(Generic[Key, Value]):
    """Values by key. The least recently used are removed first.

    Args:
        max_size: maximum total size of the values.
        measure_size: returns the size of a value; by default every value has size 1.

    """

    def __init__(self, max_size: int, measure_size: Callable[[Value], int] = lambda _: 1) -> None:
        self._max_size = max_size
        self._measure_size = measure_size
        self._values: OrderedDict[Key, Value] = OrderedDict()

    def get(self, key: Key) -> Value | None:
        """Return the value of a key and mark it as used; None if there is none."""
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    def put(self, key: Key, value: Value) -> None:
        """Add a value and remove others to make room. A value larger than the whole cache is not added."""
        if self._measure_size(value) > self._max_size:
            return
        self._values[key] = value
        while sum(map(self._measure_size, self._values.values())) > self._max_size:
            self._values.popitem(last=False)

    def clear(self) -> None:
        """Remove all values."""
        self._values.clear()
