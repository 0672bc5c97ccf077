"""Suggestions of the valid name that was probably meant, at a cost that grows with the number of names alone."""

import difflib
from collections.abc import Iterable
from heapq import nlargest
from operator import add

from stackyard.spec.reading.faults import format_value

MAX_SUGGESTIONS = 5
"""Number of searches among the names of a dataset for one document; later faults get no suggestion."""

MAX_LISTED_NAMES = 12
"""Number of valid names of an argument that a message lists. Of more names it shows only the most similar."""

MAX_SUGGESTED_NAMES = 3
"""Number of similar names that a fix suggests."""
_MIN_SIMILARITY, _MIN_SIMILARITY_OF_SEVERAL = 0.6, 0.5
"""The similarity, from 0 to 1, of a name that is suggested alone, and of each of several names."""
_MAX_COMPARED_LENGTH = 64
"""Number of characters of a name that are compared."""
_MAX_COMPARED_NAMES = 10
"""Number of names that `difflib` compares in full. Its time grows with the square of their length or faster."""


def normalize_name(name: str) -> str:
    """Return `name` as names are compared: without case and underscores."""
    return name.replace("_", "").lower()


def suggest_name(unknown_name: str, names: Iterable[str]) -> str | None:
    """Return a fix that suggests the most similar of the valid names, or None if no name is similar."""
    return format_suggestion(find_similar_name(unknown_name, names))


def format_suggestion(similar_name: str | None) -> str | None:
    """Return a fix that suggests a name, or None without one."""
    return None if similar_name is None else f"did you mean {format_value(similar_name)}?"


def format_expected_names(names: Iterable[str]) -> str:
    """Return the valid names of an argument for a message: all of a few names, or the first of many."""
    listed = list(names)
    if len(listed) <= MAX_LISTED_NAMES:
        return f"one of {', '.join(listed)}"
    return f"such as {', '.join(listed[:MAX_SUGGESTED_NAMES])} and {len(listed) - MAX_SUGGESTED_NAMES} others"


def suggest_names(unknown_name: str, names: Iterable[str]) -> str | None:
    """Return a fix that suggests the few most similar of the valid names, or None if no name is similar."""
    return format_suggestions(find_similar_names(unknown_name, names, MAX_SUGGESTED_NAMES))


def format_suggestions(similar_names: Iterable[str]) -> str | None:
    """Return a fix that suggests names, the most similar first, or None without one."""
    similar = [format_value(name) for name in similar_names]
    if not similar:
        return None
    return f"did you mean {' or '.join([', '.join(similar[:-1]), similar[-1]] if similar[1:] else similar)}?"


def find_similar_name(unknown_name: str, names: Iterable[str]) -> str | None:
    """Return the name that is the most similar, or None if none is similar."""
    return next(iter(find_similar_names(unknown_name, names, 1)), None)


def find_similar_names(unknown_name: str, names: Iterable[str], count: int) -> list[str]:
    """Return the most similar names, the best first; only one if it differs in case and underscores alone.

    All names are compared by the characters and the pairs of characters that they share, in one pass. Only the best of
    them are compared in full.
    """
    key = normalize_name(unknown_name[:_MAX_COMPARED_LENGTH])
    names_by_key = {normalize_name(name[:_MAX_COMPARED_LENGTH]): name for name in names}
    if key in names_by_key:
        return [names_by_key[key]]
    fragments = _list_fragments(key)

    def count_shared_fragments(other: str) -> float:
        other_fragments = _list_fragments(other)
        return len(fragments & other_fragments) / (len(fragments) + len(other_fragments) + 1)

    candidates = nlargest(_MAX_COMPARED_NAMES, names_by_key, key=count_shared_fragments)
    cutoff = _MIN_SIMILARITY if count == 1 else _MIN_SIMILARITY_OF_SEVERAL
    matches = difflib.get_close_matches(key, candidates, n=count, cutoff=cutoff)
    return [names_by_key[match] for match in matches]


def _list_fragments(key: str) -> set[str]:
    return {*key, *map(add, key, key[1:])}
