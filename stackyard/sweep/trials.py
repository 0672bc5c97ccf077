"""The job specs of trials."""

from functools import cached_property
from typing import cast

from pydantic import JsonValue

from stackyard.spec.job import JobSpec
from stackyard.spec.reading.faults import Fault, SpecError
from stackyard.spec.reading.json_document import JsonObject
from stackyard.spec.reading.json_pointers import format_pointer, split_pointer
from stackyard.spec.reading.spec_parser import validate_document
from stackyard.sweep.parameters import SPEC_INDEX, Parameters
from stackyard.sweep.search_space import Assignment, SearchSpace, sort_assignments
from stackyard.sweep.seeds import get_training_seed, set_seeds
from stackyard.sweep.space_faults import SWEPT_SECTIONS, PointerFaults, trace_faults
from stackyard.sweep.space_resolution import apply_assignments, resolve_space
from stackyard.sweep.spec_document import MissingPlaceError, dump_given
from stackyard.sweep.sweep_spec import SweepSpec


class TrialSpecBuilder:
    """Builds the job specs of a sweep's trials; what all of them share is computed once."""

    def __init__(self, sweep: SweepSpec, space: SearchSpace) -> None:
        self.sweep = sweep
        self.space = space

    @cached_property
    def _base_document(self) -> JsonObject:
        return dump_given(self.sweep.base)

    def build(self, parameters: Parameters, repeat: int = 0) -> JsonObject:
        """Return the job spec of one repeat of a trial, as JSON that a client could have submitted.

        Raises:
            SpecError: the parameters do not belong to the space.

        """
        document = set_seeds(self._build_document(parameters), self.sweep, repeat)
        labels = {"name": self.sweep.name, "tags": list(self.sweep.tags)}
        document = document | {name: label for name, label in labels.items() if label and not document.get(name)}
        if self.sweep.priority is not None:
            run = cast("JsonObject", document.get("run", {}))
            document["run"] = {**run, "priority": self.sweep.priority}
        return document

    def parse(self, parameters: Parameters, repeat: int = 0) -> JobSpec:
        """Return the parsed job spec of one repeat of a trial.

        Raises:
            SpecError: the spec is not valid, or the parameters do not belong to the space. The faults are at pointers
                into the sweep.

        """
        if repeat == 0 and (index := _get_spec_index(parameters)) is not None:
            return _complete_listed_spec(self.sweep.specs[index], self.sweep)
        document = self.build(parameters, repeat)
        try:
            return validate_document(JobSpec, document)
        except SpecError as error:
            raise SpecError(self.trace_faults(parameters, error)) from None

    def trace_faults(self, parameters: Parameters, error: SpecError) -> list[Fault]:
        """Return the faults of a trial's spec at pointers into the sweep."""
        if (index := _get_spec_index(parameters)) is not None:
            pointer = f"{SPEC_INDEX}/{index}"
            return [fault.model_copy(update={"pointer": pointer + fault.pointer}) for fault in error.faults]
        return trace_faults(error.faults, self._list_assignments(parameters))

    def _build_document(self, parameters: Parameters) -> JsonObject:
        if (index := _get_spec_index(parameters)) is not None:
            return dump_given(self.sweep.specs[index])
        if self.sweep.base is None:
            raise SpecError([Fault(pointer="", message="expected a sweep with a base")])
        assignments = self._list_assignments(parameters)
        try:
            return apply_assignments(self.sweep.base, self._base_document, assignments)
        except MissingPlaceError as error:
            fault = PointerFaults(self.sweep.base).describe_missing_place(assignments, error)
            raise SpecError([fault]) from None

    def _list_assignments(self, parameters: Parameters) -> list[Assignment]:
        if self.space.dimensions or self.sweep.base is None:
            return self.space.list_assignments(parameters)
        return sort_assignments(_read_free_parameters(parameters, self.sweep.base))


def _read_free_parameters(parameters: Parameters, base: JobSpec) -> list[Assignment]:
    """Return the assignments of a client's own parameters for a sweep without a space.

    Raises:
        SpecError: a pointer does not lead into a section that a sweep may change, at a pointer into the parameters.

    """
    pointer_faults = PointerFaults(base)
    assignments = [
        Assignment(split_pointer(pointer), value, format_pointer((pointer,)), base)
        for pointer, value in parameters.items()
    ]
    faults = [
        pointer_faults.describe_unswept_section(assignment)
        for assignment in assignments
        if assignment.segments[:1] not in [(section,) for section in SWEPT_SECTIONS]
    ]
    if faults:
        raise SpecError(faults)
    return assignments


def build_trial_spec(sweep: SweepSpec, parameters: Parameters, repeat: int = 0) -> JsonObject:
    """Return the job spec of one repeat of a trial, as JSON. For many trials, `TrialSpecBuilder` is faster.

    Args:
        sweep: The sweep.
        parameters: The parameters of the trial.
        repeat: The number of the repeat, from 0.

    Raises:
        SpecError: the parameters do not belong to the space.

    """
    return TrialSpecBuilder(sweep, resolve_space(sweep)).build(parameters, repeat)


def _complete_listed_spec(spec: JobSpec, sweep: SweepSpec) -> JobSpec:
    """Return the first repeat of a listed spec: the same as that of its document, without parsing it once more."""
    seed = get_training_seed(sweep, spec.training.seed, 0)
    priority = spec.run.priority if sweep.priority is None else sweep.priority
    return spec.model_copy(
        update={
            "name": spec.name or sweep.name,
            "tags": spec.tags or sweep.tags,
            "training": spec.training.model_copy(update={"seed": seed}),
            "run": spec.run.model_copy(update={"priority": priority}),
        }
    )


def _get_spec_index(parameters: Parameters) -> int | None:
    index: JsonValue = parameters.get(SPEC_INDEX)
    return index if isinstance(index, int) else None
