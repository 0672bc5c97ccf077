"""Collect the faults of one spec."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, cast

from stackyard.spec.base import SpecModel
from stackyard.spec.job import JobSpec
from stackyard.spec.reading.faults import MAX_FAULTS, Fault, PatchOperation, shorten_value
from stackyard.spec.reading.json_pointers import PathSegment, format_pointer
from stackyard.spec.suggestions import MAX_SUGGESTIONS, find_similar_name, format_suggestion

MAX_LISTED_CHOICES = 20
"""Number of names or values that a message lists at most."""
_UNLISTED_FAULT = Fault(pointer="", message="one of the faults beyond the maximum")


class FaultCollector:
    """Collects faults, each with a pointer to a value that the document contains."""

    def __init__(self, spec: JobSpec) -> None:
        self._spec = spec
        self.faults: list[Fault] = []
        self._suggestions = 0

    def add(
        self, message: str, *steps: PathSegment, fix: str | None = None, corrected: str | int | None = None
    ) -> None:
        """Add a fault of the value at `steps` from the root.

        Where that value is a default, the pointer leads to the nearest ancestor in the document. `corrected` is the
        value at `steps` that applies the fix, if there is a single one.
        """
        if len(self.faults) >= MAX_FAULTS:  # it is only counted, and there may be thousands
            self.faults.append(_UNLISTED_FAULT)
            return
        location, value = locate_in_document(self._spec, steps)
        patch = None if corrected is None else _build_patch(location, format_pointer(steps), corrected)
        received = shorten_value(value)
        self.faults.append(Fault(pointer=location, message=message, received=received, fix=fix, patch=patch))

    def add_unknown_name(self, message: str, *steps: PathSegment, name: str, valid_names: Iterable[str]) -> None:
        """Add a fault of a name at `steps` that is not valid; the first few get the most similar name as their fix."""
        similar = None
        if self._suggestions < MAX_SUGGESTIONS:
            self._suggestions += 1
            similar = find_similar_name(name, valid_names)
        self.add(message, *steps, fix=format_suggestion(similar), corrected=similar)


def _build_patch(location: str, pointer: str, value: str | int) -> tuple[PatchOperation, ...] | None:
    """Return the patch that sets a value, or None where the object that should hold it is not in the document."""
    if pointer == location:
        return (PatchOperation(op="replace", path=pointer, value=value),)
    return (PatchOperation(op="add", path=pointer, value=value),) if pointer.rpartition("/")[0] == location else None


def format_choices(names: Iterable[str]) -> str:
    """Return the first names, with an ellipsis where there are more."""
    first_names = list(islice(names, MAX_LISTED_CHOICES + 1))
    return ", ".join(first_names[:MAX_LISTED_CHOICES]) + (", …" if len(first_names) > MAX_LISTED_CHOICES else "")


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
