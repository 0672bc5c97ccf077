"""References of people to a job, a dataset or a sweep: an id, the start of an id, or a name."""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Protocol, TypeVar

from stackyard.client.errors import NoSingleMatchError

MAX_CANDIDATES = 10
_ID_DIGITS = 32
_ID_START = re.compile(r"[0-9a-f]{1,32}")


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


Item = TypeVar("Item", bound=_HasId)


def is_complete_id(reference: str) -> bool:
    """Return whether a reference is an id, from the first to the last digit."""
    return len(normalize_id(reference) or "") == _ID_DIGITS


def normalize_id(reference: str) -> str | None:
    """Return the digits of an id or of its start, without hyphens; None if the reference is no such text."""
    digits = reference.replace("-", "").lower()
    return digits if _ID_START.fullmatch(digits) else None


def select_single_match(kind: str, reference: str, items: Iterable[Item], describe: Callable[[Item], str]) -> Item:
    """Return the only item of `items`, in which the same item may occur more than once.

    Args:
        kind: `job`, `dataset`, `sweep` or `token`.
        reference: what the items match.
        items: the matches; only the first ten are read.
        describe: returns the line of an item in the error message.

    Raises:
        NoSingleMatchError: there is no item, or more than one.

    """
    matches = list({item.id: item for item in islice(items, MAX_CANDIDATES)}.values())
    if len(matches) != 1:
        raise NoSingleMatchError(kind, reference, [f"  {item.id}  {describe(item)}" for item in matches])
    return matches[0]


def iterate_matches(
    reference: str, list_by_name: Callable[[str], Iterable[Item]], list_by_prefix: Callable[[str], Iterable[Item]]
) -> Iterator[Item]:
    """Yield the items of this name, and those whose id starts with the reference.

    An old server does not know the filter by ids and returns other items; they are left out.
    """
    digits = normalize_id(reference)
    by_id: Iterable[Item] = [] if digits is None else list_by_prefix(digits)
    starts = (item for item in by_id if (normalize_id(item.id) or "").startswith(digits or ""))
    return chain(list_by_name(reference), islice(starts, MAX_CANDIDATES))
