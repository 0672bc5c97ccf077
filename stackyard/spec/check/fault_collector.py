"""Collect the faults of one spec."""

from collections.abc import Sequence
from typing import Any, cast

from stackyard.spec.base import SpecModel
from stackyard.spec.job import JobSpec
from stackyard.spec.reading.faults import Fault, shorten_value
from stackyard.spec.reading.json_pointers import PathSegment, format_pointer

MAX_LISTED_CHOICES = 20
"""Number of names or values that a message lists at most."""


class FaultCollector:
    """Collects faults, each with a pointer to a value that the document contains."""

    def __init__(self, spec: JobSpec) -> None:
        self._spec = spec
        self.faults: list[Fault] = []

    def add(self, message: str, *steps: PathSegment, fix: str | None = None) -> None:
        """Add a fault of the value at `steps` from the root.

        Where that value is a default, the pointer leads to the nearest ancestor in the document.
        """
        location, value = locate_in_document(self._spec, steps)
        self.faults.append(Fault(pointer=location, message=message, received=shorten_value(value), fix=fix))


def format_choices(names: Sequence[str]) -> str:
    """Return the first names, with an ellipsis where there are more."""
    return ", ".join(names[:MAX_LISTED_CHOICES]) + (", …" if len(names) > MAX_LISTED_CHOICES else "")


def locate_in_document(spec: JobSpec, steps: Sequence[PathSegment]) -> tuple[str, object]:
    """Follow `steps` as far as the submitted document goes; return the pointer and the value there."""
    value: object = spec
    path: list[PathSegment] = []
    for step in steps:
        if not _is_in_document(value, step):
            break
        value = getattr(value, str(step)) if isinstance(value, SpecModel) else cast("Any", value)[step]
        path.append(step)
    return format_pointer(path), value


def _is_in_document(value: object, step: PathSegment) -> bool:
    if isinstance(step, int):
        return isinstance(value, tuple) and step < len(cast("tuple[object, ...]", value))
    if isinstance(value, dict):
        return step in value
    return isinstance(value, SpecModel) and step in value.model_fields_set
