"""Resolves the pointers of a search space in the base, with every default filled in."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from pydantic import JsonValue

from stackyard.spec.base import SpecModel
from stackyard.spec.job import JobSpec
from stackyard.spec.reading.faults import Fault, SpecError, format_value
from stackyard.spec.reading.json_document import JsonObject
from stackyard.spec.reading.json_pointers import format_pointer, split_pointer
from stackyard.spec.reading.spec_parser import validate_document
from stackyard.sweep.parameter_values import Code, draw_code
from stackyard.sweep.search_rules import check_search
from stackyard.sweep.search_space import (
    Assignment,
    Dimension,
    ResolvedOption,
    SearchSpace,
    Segments,
    iterate_assignments,
    iterate_settings,
    sort_assignments,
)
from stackyard.sweep.space import Choice, Option, Parameter, Space, Values
from stackyard.sweep.space_faults import (
    SWEPT_SECTIONS,
    PointerFaults,
    suggest_integers,
    trace_faults,
)
from stackyard.sweep.spec_document import MissingPlaceError, dump_given, get_member, replace_value
from stackyard.sweep.sweep_spec import SweepSpec

_TRIED_QUANTILES = (0.38, 0.62, 0.17, 0.83)
"""Where in its distribution a parameter is tried until the base accepts a value. The bounds could be exceptions."""
_MAX_CHECKED_VALUES = 100
"""Number of listed values that are checked one by one, each of which the base must accept."""
_MAX_CHECKS = 1000
"""Number of specs that are built for one space. Beyond that, only the sampled trials of a sweep are checked."""


def resolve_space(sweep: SweepSpec) -> SearchSpace:
    """Resolve the search space of a sweep.

    Raises:
        SpecError: a pointer leads nowhere, two parameters set the same place, the base accepts no value of a
            parameter, or the method cannot search the space. It lists every fault, at pointers into the sweep.

    """
    if sweep.base is None:
        return SearchSpace((), None)
    resolver = _SpaceResolver(sweep.base, list_places(sweep.space))
    dimensions = tuple(
        resolver.resolve_dimension(pointer, parameter, ("space", pointer), "")
        for pointer, parameter in sweep.space.items()
    )
    if not resolver.faults:
        resolver.faults += _find_overlaps(dimensions)
    if not resolver.faults:
        for dimension in dimensions:
            resolver.check_dimension(dimension, ())
    if resolver.faults:
        raise SpecError(resolver.faults)
    space = SearchSpace(dimensions, sweep.base)
    if faults := list(check_search(sweep, space)):
        raise SpecError(faults)
    return space


def list_places(space: Space) -> Iterator[Segments]:
    """Yield every path that a space sets, also within options."""
    for pointer, parameter in space.items():
        yield from (split_pointer(target) for target in (pointer, *parameter.also))
        for option in parameter.choice if isinstance(parameter, Choice) else ():
            yield from map(split_pointer, option.also_set)
            yield from list_places(option.space)


def apply_assignments(base: JobSpec, document: JsonObject, assignments: Iterable[Assignment]) -> JsonObject:
    """Return a copy of a base's document with other values.

    Args:
        base: The parsed base.
        document: The base as JSON.
        assignments: What to set, shorter paths first.

    Raises:
        MissingPlaceError: the document has no such place.

    """
    assigned: list[Segments] = []
    for assignment in assignments:
        resolved = assignment.resolved
        if resolved is base and any(assignment.segments[: len(earlier)] == earlier for earlier in assigned):
            resolved = None  # the base's own defaults do not belong to a value that replaced a part of it
        document = replace_value(document, resolved, assignment.segments, assignment.value)
        assigned.append(assignment.segments)
    return document


class _SpaceResolver:
    """Resolves the parameters one by one, and collects the faults of all."""

    def __init__(self, base: JobSpec, places: Iterable[Segments]) -> None:
        self._base = base
        self._document: JsonObject = dump_given(base)
        self._parents = {place[:length] for place in places for length in range(len(place))}
        self._pointer_faults = PointerFaults(base)
        self._checks = 0
        self.faults: list[Fault] = []

    def resolve_dimension(self, pointer: str, parameter: Parameter, path: Segments, prefix: str) -> Dimension:
        """Resolve one parameter and those of its options; `path` leads to it in the sweep's document."""
        targets = tuple(split_pointer(target) for target in (pointer, *parameter.also))
        dimension = Dimension(prefix + pointer, format_pointer(path), pointer, targets, parameter)
        for target in targets:
            if target[0] not in SWEPT_SECTIONS:
                assignment = Assignment(target, None, dimension.space_pointer, None)
                self.faults.append(self._pointer_faults.describe_unswept_section(assignment))
        if isinstance(parameter, Choice):
            options = tuple(
                self._resolve_option(dimension, option, (*path, "choice", str(index)), f"{prefix}{pointer}={index}:")
                for index, option in enumerate(parameter.choice)
            )
            return replace(dimension, options=options)
        if isinstance(parameter, Values):
            return replace(dimension, values=tuple(self._expand(targets[0], value) for value in parameter.values))
        return dimension

    def _resolve_option(self, dimension: Dimension, option: Option, path: Segments, prefix: str) -> ResolvedOption:
        value = self._expand(dimension.targets[0], option.set)
        resolved = ResolvedOption(format_pointer(path), option, value, self._base)
        settings = iterate_settings(dimension, resolved, self._base)
        dimensions = tuple(
            self.resolve_dimension(pointer, parameter, (*path, "space", pointer), prefix)
            for pointer, parameter in option.space.items()
        )
        return replace(resolved, resolved=self._parse(settings) or self._base, dimensions=dimensions)

    def _expand(self, target: Segments, value: JsonValue) -> JsonValue:
        """Return the long form of a name that stands for an object, so that deeper pointers lead into it."""
        if not isinstance(value, str) or target not in self._parents:
            return value
        spec = self._parse([Assignment(target, value, "", self._base)])
        member: object = spec
        for segment in target:
            member = get_member(member, segment)
        return dump_given(member) if isinstance(member, SpecModel) else value

    def _parse(self, assignments: Iterable[Assignment]) -> JobSpec | None:
        try:
            return validate_document(JobSpec, self._apply(assignments))
        except (MissingPlaceError, SpecError):
            return None

    def _apply(self, assignments: Iterable[Assignment]) -> JsonObject:
        return apply_assignments(self._base, self._document, sort_assignments(assignments))

    def check_dimension(self, dimension: Dimension, context: tuple[Assignment, ...]) -> None:
        """Add faults unless the base accepts some value of a parameter, and each option of a choice.

        Args:
            dimension: The parameter.
            context: What the options above it set.

        """
        if isinstance(dimension.parameter, Values):
            for index in range(min(len(dimension.values), _MAX_CHECKED_VALUES)):
                self._check_any(context, [{dimension.key: index}], dimension)
        elif not dimension.options:
            codes = [draw_code(dimension.parameter, quantile) for quantile in _TRIED_QUANTILES]
            self._check_any(context, [{dimension.key: code} for code in codes], dimension)
        for index, option in enumerate(dimension.options):
            candidates = [_choose_codes(option, quantile) | {dimension.key: index} for quantile in _TRIED_QUANTILES]
            faults_before = len(self.faults)
            self._check_any(context, candidates, dimension)
            if len(self.faults) == faults_before:
                self._check_choices(dimension, option, context, candidates[0])

    def _check_choices(
        self, dimension: Dimension, option: ResolvedOption, context: tuple[Assignment, ...], codes: dict[str, Code]
    ) -> None:
        """Check the choices below an option, with the other parameters of the option at their first values."""
        for choice in option.dimensions:
            if choice.options:
                others = tuple(other for other in option.dimensions if other is not choice)
                settings = iterate_settings(dimension, option, self._base)
                self.check_dimension(
                    choice, (*context, *settings, *iterate_assignments(others, codes, option.resolved))
                )

    def _check_any(
        self, context: tuple[Assignment, ...], candidates: Iterable[dict[str, Code]], dimension: Dimension
    ) -> None:
        """Add the faults of the first candidate, unless the base accepts one of them."""
        faults: list[Fault] = []
        for codes in candidates:
            self._checks += 1
            if self._checks > _MAX_CHECKS:
                return
            assignments = sort_assignments((*context, *iterate_assignments((dimension,), codes, self._base)))
            found = self._find_faults(assignments)
            if not found:
                return
            faults = faults or found
        known = {fault.message for fault in self.faults}  # of another value of the same parameter
        self.faults += [suggest_integers(fault, dimension) for fault in faults if fault.message not in known]

    def _find_faults(self, assignments: list[Assignment]) -> list[Fault]:
        try:
            validate_document(JobSpec, self._apply(assignments))
        except MissingPlaceError as error:
            return [self._pointer_faults.describe_missing_place(assignments, error)]
        except SpecError as error:
            return trace_faults(error.faults, assignments)
        return []


def _choose_codes(option: ResolvedOption, quantile: float) -> dict[str, Code]:
    """Return codes for all parameters below an option, at the same quantile of each distribution."""
    codes: dict[str, Code] = {}
    for dimension in option.dimensions:
        codes[dimension.key] = draw_code(dimension.parameter, quantile)
        for nested in dimension.options:
            codes |= _choose_codes(nested, quantile)
    return codes


def _find_overlaps(dimensions: Iterable[Dimension]) -> Iterator[Fault]:
    """Yield a fault for each place that two parameters set in one trial."""
    places: dict[Segments, str] = {}
    for dimension in dimensions:
        for place, source in _list_places(dimension):
            if place in places and places[place] != source:
                message = f"expected one parameter for {format_value(format_pointer(place))}; another one sets it, too"
                yield Fault(pointer=source, message=message, fix="leave out one of the two")
            places.setdefault(place, source)
        for option in dimension.options:
            yield from _find_overlaps_of_option(dimension, option)


def _find_overlaps_of_option(dimension: Dimension, option: ResolvedOption) -> Iterator[Fault]:
    settings = {assignment.segments: assignment.source for assignment in iterate_settings(dimension, option, None)}
    for nested in option.dimensions:
        for place, source in _list_places(nested):
            if place in settings:
                message = f"expected no parameter for {format_value(format_pointer(place))}, which the option sets"
                yield Fault(pointer=source, message=message, fix='leave out "set", or the parameter')
    yield from _find_overlaps(option.dimensions)


def _list_places(dimension: Dimension) -> set[tuple[Segments, str]]:
    """Return every place that a parameter may set, each with where the sweep's document says so."""
    places = {(target, dimension.space_pointer) for target in dimension.targets}
    for option in dimension.options:
        for pointer in option.option.also_set:
            places.add((split_pointer(pointer), dimension.space_pointer))
        for nested in option.dimensions:
            places |= {(place, dimension.space_pointer) for place, _ in _list_places(nested)}
    return places
