"""Suggestions of the valid name that was probably meant, at a cost that grows with the number of names alone."""

import difflib
from collections.abc import Iterable
from heapq import nlargest
from operator import add

from stackyard.spec.reading.faults import format_value

MAX_SUGGESTIONS = 5
"""Number of searches among the names of a dataset for one document; later faults get no suggestion."""

_MAX_COMPARED_LENGTH = 64
"""Number of characters of a name that are compared."""
_MAX_COMPARED_NAMES = 10
"""Number of names that `difflib` compares in full. Its time grows with the square of their length or faster."""


def normalize_name(name: str) -> str:
    """Return `name` as names are compared: without case and underscores."""
    return name.replace("_", "").lower()


def suggest_name(unknown_name: str, names: Iterable[str]) -> str | None:
    """Return a fix that suggests the most similar of the valid names, or None if no name is similar."""
    similar = find_similar_name(unknown_name, names)
    return None if similar is None else f"did you mean {format_value(similar)}?"


def find_similar_name(unknown_name: str, names: Iterable[str]) -> str | None:
    """Return the name that is the most similar, or None if none is similar.

    All names are compared by the characters and the pairs of characters that they share, in one pass. Only the best of
    them are compared in full.
    """
    key = normalize_name(unknown_name[:_MAX_COMPARED_LENGTH])
    names_by_key = {normalize_name(name[:_MAX_COMPARED_LENGTH]): name for name in names}
    if key in names_by_key:
        return names_by_key[key]
    fragments = _list_fragments(key)

    def count_shared_fragments(other: str) -> float:
        other_fragments = _list_fragments(other)
        return len(fragments & other_fragments) / (len(fragments) + len(other_fragments) + 1)

    candidates = nlargest(_MAX_COMPARED_NAMES, names_by_key, key=count_shared_fragments)
    similar = difflib.get_close_matches(key, candidates, n=1)
    return names_by_key[similar[0]] if similar else None


def _list_fragments(key: str) -> set[str]:
    return {*key, *map(add, key, key[1:])}
