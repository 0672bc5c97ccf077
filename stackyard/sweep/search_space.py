"""A search space whose pointers were resolved against the base."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import cast

from pydantic import JsonValue

from stackyard.spec.job import JobSpec
from stackyard.spec.reading.faults import Fault, SpecError, format_value, shorten_value
from stackyard.spec.reading.json_pointers import format_pointer, split_pointer
from stackyard.sweep.json_values import encode_canonically
from stackyard.sweep.parameter_values import (
    Code,
    count_values,
    decode_value,
    describe_values,
    draw_code,
    encode_value,
    get_code,
)
from stackyard.sweep.parameters import Parameters
from stackyard.sweep.space import Option, Parameter, Values

Segments = tuple[str, ...]


@dataclass(frozen=True)
class ResolvedOption:
    """One option of a choice.

    Attributes:
        space_pointer: Where the sweep's document has the option.
        option: The option of the spec.
        value: The long form of its `set`.
        resolved: The base with the settings of the option.
        dimensions: Its parameters.

    """

    space_pointer: str
    option: Option
    value: JsonValue
    resolved: JobSpec | None
    dimensions: "tuple[Dimension, ...]" = ()


@dataclass(frozen=True)
class Dimension:
    """One parameter of a space.

    Attributes:
        key: A name that no other dimension of the space has.
        space_pointer: Where the sweep's document has the parameter.
        pointer: Where the job spec has its value.
        targets: The paths to the value and to its copies (`also`).
        parameter: The parameter of the spec.
        values: Listed values in their long form.
        options: The options of a choice.

    """

    key: str
    space_pointer: str
    pointer: str
    targets: tuple[Segments, ...]
    parameter: Parameter
    values: tuple[JsonValue, ...] = ()
    options: tuple[ResolvedOption, ...] = ()

    @cached_property
    def size(self) -> int | None:
        """The number of values, with all combinations of an option's parameters; None if it is continuous."""
        if not self.options:
            return count_values(self.parameter)
        counts = [count_combinations(option.dimensions) for option in self.options]
        return None if None in counts else sum(cast("list[int]", counts))

    def choose_option(self, code: Code) -> ResolvedOption | None:
        """Return the option of a code, or None for a parameter that is no choice."""
        return self.options[int(code)] if self.options else None

    def locate_value(self, code: Code) -> str:
        """Return where the sweep's document has a listed value, or else the parameter."""
        if not isinstance(self.parameter, Values):
            return self.space_pointer
        is_short = "values" not in self.parameter.model_fields_set
        return f"{self.space_pointer}{'' if is_short else '/values'}/{int(code)}"

    def expand_value(self, code: Code) -> JsonValue:
        """Return the value of a code as a job spec gets it, in its long form."""
        return self.values[int(code)] if self.values else decode_value(self.parameter, code)


@dataclass(frozen=True)
class Assignment:
    """A value that a trial sets at a place of the base.

    Attributes:
        segments: The path to the place.
        value: The value, in its long form.
        source: Where the sweep's document has the value, or at least its parameter.
        resolved: The parsed spec that has the missing members of the base.

    """

    segments: Segments
    value: JsonValue
    source: str
    resolved: JobSpec | None


@dataclass(frozen=True)
class SearchSpace:
    """All dimensions of a sweep, those of options below their choice."""

    dimensions: tuple[Dimension, ...]
    base: JobSpec | None

    @cached_property
    def size(self) -> int | None:
        """The number of combinations; None if a parameter is continuous."""
        return count_combinations(self.dimensions)

    @cached_property
    def all_dimensions(self) -> tuple[Dimension, ...]:
        """Every dimension, also those of options that exclude each other, in the order of the document."""
        return tuple(_iterate_dimensions(self.dimensions))

    def compose(self, choose_code: Callable[[Dimension], Code]) -> Parameters:
        """Return the parameters that follow from a code for each dimension. Unused options are not asked for one."""
        parameters: dict[str, JsonValue] = {}
        _compose(self.dimensions, choose_code, parameters)
        return parameters

    def draw(self, quantiles: Mapping[str, float]) -> Parameters:
        """Return the parameters at a point of the unit cube, given by the keys of all dimensions."""
        return self.compose(lambda dimension: draw_code(dimension.parameter, quantiles[dimension.key]))

    def get_combination(self, index: int) -> Parameters:
        """Return one of the `size` combinations. They are in the order of `itertools.product`: the last is fastest."""
        codes: dict[str, Code] = {}
        _number_combination(self.dimensions, index, codes)
        return self.compose(lambda dimension: codes[dimension.key])

    def read_codes(self, parameters: Parameters) -> dict[str, Code]:
        """Return the codes of a trial's parameters by the keys of the dimensions that it uses.

        Raises:
            SpecError: a parameter is missing, unknown, or not a value of the space, at a pointer into `parameters`.

        """
        codes: dict[str, Code] = {}
        faults: list[Fault] = []
        used = _read_codes(self.dimensions, parameters, codes, faults)
        for pointer in parameters:
            if pointer not in used:
                message = "expected a pointer of the space that these parameters use"
                faults.append(Fault(pointer=format_pointer((pointer,)), message=message))
        if faults:
            raise SpecError(faults)
        return codes

    def list_assignments(self, parameters: Parameters) -> list[Assignment]:
        """Return what a trial sets in the base, shorter paths first.

        Raises:
            SpecError: as `read_codes`.

        """
        codes = self.read_codes(parameters)
        return sort_assignments(iterate_assignments(self.dimensions, codes, self.base))


def sort_assignments(assignments: Iterable[Assignment]) -> list[Assignment]:
    """Return assignments so that none overwrites a deeper one."""
    return sorted(assignments, key=lambda assignment: len(assignment.segments))


def count_combinations(dimensions: tuple[Dimension, ...]) -> int | None:
    """Return the number of combinations of all values, or None if one parameter is continuous."""
    counts = [dimension.size for dimension in dimensions]
    return None if None in counts else prod(cast("list[int]", counts))


def iterate_assignments(
    dimensions: tuple[Dimension, ...], codes: Mapping[str, Code], resolved: JobSpec | None
) -> Iterator[Assignment]:
    """Yield the assignments of dimensions and of the options that their codes choose."""
    for dimension in dimensions:
        code = codes[dimension.key]
        chosen = dimension.choose_option(code)
        if chosen is None:
            value, source = dimension.expand_value(code), dimension.locate_value(code)
            yield from (Assignment(target, value, source, resolved) for target in dimension.targets)
        else:
            yield from iterate_settings(dimension, chosen, resolved)
            yield from iterate_assignments(chosen.dimensions, codes, chosen.resolved)


def iterate_settings(dimension: Dimension, chosen: ResolvedOption, resolved: JobSpec | None) -> Iterator[Assignment]:
    """Yield the assignments of an option itself."""
    if chosen.option.has_value:
        source = f"{chosen.space_pointer}/set"
        yield from (Assignment(target, chosen.value, source, resolved) for target in dimension.targets)
    for pointer, value in chosen.option.also_set.items():
        source = f"{chosen.space_pointer}/also_set{format_pointer((pointer,))}"
        yield Assignment(split_pointer(pointer), value, source, resolved)


def _iterate_dimensions(dimensions: tuple[Dimension, ...]) -> Iterator[Dimension]:
    for dimension in dimensions:
        yield dimension
        for option in dimension.options:
            yield from _iterate_dimensions(option.dimensions)


def _compose(
    dimensions: tuple[Dimension, ...], choose_code: Callable[[Dimension], Code], parameters: dict[str, JsonValue]
) -> None:
    for dimension in dimensions:
        code = choose_code(dimension)
        chosen = dimension.choose_option(code)
        if chosen is None:
            parameters[dimension.pointer] = decode_value(dimension.parameter, code)
            continue
        if chosen.option.has_value:
            parameters[dimension.pointer] = chosen.option.set
        _compose(chosen.dimensions, choose_code, parameters)


def _number_combination(dimensions: tuple[Dimension, ...], index: int, codes: dict[str, Code]) -> None:
    for dimension in reversed(dimensions):
        count = dimension.size
        if count is None:
            raise ValueError(f"the parameter {dimension.key} is continuous")
        index, number = divmod(index, count)
        if not dimension.options:
            codes[dimension.key] = get_code(dimension.parameter, number)
            continue
        for position, option in enumerate(dimension.options):
            option_count = count_combinations(option.dimensions) or 0
            if number < option_count:
                codes[dimension.key] = position
                _number_combination(option.dimensions, number, codes)
                break
            number -= option_count


def _read_codes(
    dimensions: tuple[Dimension, ...], parameters: Parameters, codes: dict[str, Code], faults: list[Fault]
) -> set[str]:
    """Read the codes of dimensions; return the pointers that they use."""
    used: set[str] = set()
    for dimension in dimensions:
        code = _find_option(dimension, parameters) if dimension.options else _find_code(dimension, parameters)
        used.add(dimension.pointer)
        if code is None:
            faults.append(_describe_missing_value(dimension, parameters))
            continue
        codes[dimension.key] = code
        if (chosen := dimension.choose_option(code)) is not None:
            used |= _read_codes(chosen.dimensions, parameters, codes, faults)
    return used


def _find_code(dimension: Dimension, parameters: Parameters) -> Code | None:
    if dimension.pointer not in parameters:
        return None
    return encode_value(dimension.parameter, parameters[dimension.pointer])


def _find_option(dimension: Dimension, parameters: Parameters) -> int | None:
    """Return the index of the option whose `set` the parameters have, or else of the one without a `set`."""
    if dimension.pointer in parameters:
        text = encode_canonically(parameters[dimension.pointer])
        for index, resolved in enumerate(dimension.options):
            if resolved.option.has_value and encode_canonically(resolved.option.set) == text:
                return index
    return next((index for index, resolved in enumerate(dimension.options) if not resolved.option.has_value), None)


def _describe_missing_value(dimension: Dimension, parameters: Parameters) -> Fault:
    expected = f"expected {describe_values(dimension.parameter)} at {format_value(dimension.pointer)}"
    if dimension.pointer not in parameters:
        return Fault(pointer="", message=f"{expected}; received nothing")
    value = parameters[dimension.pointer]
    return Fault(
        pointer=format_pointer((dimension.pointer,)),
        message=f"{expected}; received {format_value(value)}",
        received=shorten_value(value),
    )
