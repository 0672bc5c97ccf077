"""Faults of a search space: pointers that lead nowhere, and faults of a trial's spec traced to their parameter."""

from collections.abc import Iterable, Sequence
from functools import cached_property
from typing import cast

from stackyard.spec.job import JobSpec
from stackyard.spec.reading.faults import Fault, PatchOperation, format_value
from stackyard.spec.reading.json_pointers import format_pointer, split_pointer
from stackyard.spec.suggestions import MAX_SUGGESTIONS, find_similar_name, format_suggestion
from stackyard.sweep.search_space import Assignment, Dimension, Segments
from stackyard.sweep.space import LogUniform, Uniform
from stackyard.sweep.spec_document import MissingPlaceError, list_pointers

SWEPT_SECTIONS = ("data", "network", "training")
"""The sections of a job spec that a sweep may change. The others do not affect what a training results in."""


class PointerFaults:
    """Describes pointers that lead nowhere in one base; the first few get the most similar pointer as their fix."""

    def __init__(self, base: JobSpec) -> None:
        self._base = base
        self._suggestions = 0

    def describe_missing_place(self, assignments: Iterable[Assignment], error: MissingPlaceError) -> Fault:
        """Return the fault of the assignment whose path does not lead into the base."""
        assignment = next(item for item in assignments if item.segments == error.segments)
        segments, container = assignment.segments, error.container
        parent = format_pointer(segments[: error.depth])
        if isinstance(container, list):
            last = len(cast("list[object]", container)) - 1
            expected = f"expected an index from 0 to {last} in {format_value(parent)}"
            return self._suggest(assignment, f"{expected}, received {format_value(segments[error.depth])}")
        if parent not in self._pointers:
            return self._suggest(assignment, self._describe_unknown_name(segments))
        message = f"expected an object at {format_value(parent)}; the base has {format_value(container)}"
        fix = 'give the base an object there, or use a choice whose "set" is one'
        return Fault(pointer=assignment.source, message=message, fix=fix)

    def describe_unswept_section(self, assignment: Assignment) -> Fault:
        """Return the fault of a pointer to another section than a sweep may change."""
        message = f"expected a pointer into one of {', '.join(SWEPT_SECTIONS)}"
        return self._suggest(assignment, f"{message}; received {format_value(format_pointer(assignment.segments))}")

    def _describe_unknown_name(self, segments: Segments) -> str:
        depth = next(depth for depth in range(len(segments)) if not self._has(segments[: depth + 1]))
        place = format_value(format_pointer(segments[:depth])) if depth else "a spec"
        return f"expected a pointer into the base; {place} has no {format_value(segments[depth])}"

    def _has(self, segments: Segments) -> bool:
        return format_pointer(segments) in self._pointers

    @cached_property
    def _pointers(self) -> dict[str, None]:
        """Every pointer into the base, with all defaults filled in, in its order."""
        return dict.fromkeys(list_pointers(self._base.model_dump(mode="json")))

    @cached_property
    def _swept_pointers(self) -> list[str]:
        return [pointer for pointer in self._pointers if split_pointer(pointer)[0] in SWEPT_SECTIONS]

    def _suggest(self, assignment: Assignment, message: str) -> Fault:
        similar = self._find_similar(format_pointer(assignment.segments))
        patch = None if similar is None else _rename_parameter(assignment, similar)
        location = assignment.source if patch is None else str(patch[0].source)
        return Fault(pointer=location, message=message, fix=format_suggestion(similar), patch=patch)

    def _find_similar(self, pointer: str) -> str | None:
        if self._suggestions >= MAX_SUGGESTIONS:
            return None
        self._suggestions += 1
        endings = [candidate for candidate in self._swept_pointers if candidate.endswith(pointer)]
        if len(endings) == 1:
            return endings[0]
        indices = _list_indices(pointer)
        same_indices = [candidate for candidate in self._swept_pointers if _list_indices(candidate) == indices]
        return find_similar_name(pointer, same_indices or self._swept_pointers)


def _list_indices(pointer: str) -> list[str]:
    return [segment for segment in split_pointer(pointer) if segment.isdigit()]


def suggest_integers(fault: Fault, dimension: Dimension) -> Fault:
    """Return a fault with a fix if a continuous parameter stands where the base takes integers."""
    parameter = dimension.parameter
    if not isinstance(parameter, Uniform | LogUniform) or not fault.message.startswith("expected an integer"):
        return fault
    form = "uniform" if isinstance(parameter, Uniform) else "log_uniform"
    bounds = parameter.uniform if isinstance(parameter, Uniform) else parameter.log_uniform
    if not all(bound.is_integer() for bound in bounds):
        return fault
    integers = [int(bound) for bound in bounds]
    log = "" if form == "uniform" else ', "log": true'
    pointer = dimension.space_pointer
    patch = [PatchOperation(op="move", source=f"{pointer}/{form}", path=f"{pointer}/int")]
    patch += [PatchOperation(op="add", path=f"{pointer}/log", value=True)] if log else []
    return fault.model_copy(update={"fix": f'use {{"int": {integers}{log}}}', "patch": tuple(patch)})


def trace_faults(faults: Iterable[Fault], assignments: Sequence[Assignment]) -> list[Fault]:
    """Return faults of a trial's spec as faults of the sweep: at the parameter that set the value, or in the base."""
    return [_trace_fault(fault, assignments) for fault in faults]


def _trace_fault(fault: Fault, assignments: Sequence[Assignment]) -> Fault:
    segments = split_pointer(fault.pointer)
    assignment = _find_assignment(segments, assignments)
    if assignment is None:
        patch = None if fault.patch is None else tuple(_move_into_base(operation) for operation in fault.patch)
        return fault.model_copy(update={"pointer": f"/base{fault.pointer}", "patch": patch})
    message = f"{fault.message} (at {format_value(fault.pointer)})"
    pointer = assignment.source
    if isinstance(assignment.value, dict | list) and not pointer.endswith(format_pointer((fault.pointer,))):
        pointer += format_pointer(segments[len(assignment.segments) :])
    patch = _trace_patch(fault, assignment)
    if patch is not None and patch[0].op == "move":
        pointer = str(patch[0].source)
    return fault.model_copy(update={"pointer": pointer, "message": message, "patch": patch})


def _find_assignment(segments: Segments, assignments: Sequence[Assignment]) -> Assignment | None:
    """Return the assignment that set the value at a path: the deepest one."""
    above = [item for item in assignments if segments[: len(item.segments)] == item.segments]
    return max(above, key=lambda assignment: len(assignment.segments), default=None)


def _move_into_base(operation: PatchOperation) -> PatchOperation:
    source = None if operation.source is None else f"/base{operation.source}"
    return operation.model_copy(update={"path": f"/base{operation.path}", "source": source})


def _trace_patch(fault: Fault, assignment: Assignment) -> tuple[PatchOperation, ...] | None:
    """Return the patch of a fault for the sweep's document.

    An unknown argument of the base becomes another key of the space. A part of a value is corrected where it stands.
    """
    if fault.patch is None or len(fault.patch) != 1:
        return None
    operation, target = fault.patch[0], format_pointer(assignment.segments)
    if operation.op == "move" and operation.source == target:
        return _rename_parameter(assignment, operation.path)
    if operation.op == "replace" and operation.path.startswith(target) and _is_listed(assignment):
        path = assignment.source + operation.path.removeprefix(target)
        return (operation.model_copy(update={"path": path}),)
    return None


def _is_listed(assignment: Assignment) -> bool:
    """Return whether the document has the value itself at the source, not only the bounds of its parameter."""
    return split_pointer(assignment.source)[-1] != format_pointer(assignment.segments)


def _rename_parameter(assignment: Assignment, pointer: str) -> tuple[PatchOperation, ...] | None:
    """Return the patch that gives a parameter another pointer, or None if the pointer is not its key."""
    source, key = split_pointer(assignment.source), format_pointer(assignment.segments)
    if key not in source:
        return None
    depth = len(source) - 1 - source[::-1].index(key)
    path = format_pointer((*source[:depth], pointer))
    return (PatchOperation(op="move", source=format_pointer(source[: depth + 1]), path=path),)
