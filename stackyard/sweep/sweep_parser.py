"""Parses JSON text as a sweep."""

from collections.abc import Iterator
from typing import cast

from stackyard.spec.limits import Limits
from stackyard.spec.reading.faults import Fault, SpecError
from stackyard.spec.reading.json_document import JsonObject, decode_json_object
from stackyard.spec.reading.json_pointers import format_pointer, split_pointer
from stackyard.spec.reading.spec_parser import check_layer_count, validate_document
from stackyard.sweep.space import Choice, Space
from stackyard.sweep.spec_document import dump_given
from stackyard.sweep.sweep_spec import MAX_DIMENSIONS, SweepSpec

SWEEP_SIZE_FACTOR = 16
"""How many times larger than a spec a sweep may be: it may list many specs."""
_MAX_NESTED_LEVELS = 8
"""Levels of objects and arrays that a sweep may have around a spec."""
_SEED = "/training/seed"
_EPOCHS = "/training/epochs"


def parse_sweep_spec(text: bytes, limits: Limits | None = None) -> SweepSpec:
    """Parse a sweep.

    Args:
        text: A JSON object in UTF-8, which need not be trusted.
        limits: Bounds on the size of one spec; the defaults if None. A sweep may be `SWEEP_SIZE_FACTOR` times larger.

    Returns:
        The sweep with every default filled in. Its pointers are not resolved yet: `resolve_space` does that.

    Raises:
        SpecError: With all faults of the text, at pointers into it. No other exception.
    """
    limits = limits or Limits()
    document = decode_json_object(text, widen_limits(limits))
    if faults := [*_check_layer_counts(document, limits), *_check_space_size(document)]:
        raise SpecError(faults)
    sweep = validate_document(SweepSpec, document)
    if faults := list(_check_sweep(sweep)):
        raise SpecError(faults)
    return sweep


def widen_limits(limits: Limits) -> Limits:
    """Return the limits on the size of a sweep, given those on one spec."""
    return limits.model_copy(
        update={
            "max_json_bytes": SWEEP_SIZE_FACTOR * limits.max_json_bytes,
            "max_json_depth": limits.max_json_depth + _MAX_NESTED_LEVELS,
        }
    )


def load_sweep_spec(document: JsonObject) -> SweepSpec:
    """Return the sweep of a document that `dump_sweep_spec` has written."""
    return SweepSpec.model_validate(document)


def dump_sweep_spec(sweep: SweepSpec) -> JsonObject:
    """Return a sweep as JSON that `load_sweep_spec` reads, without the defaults that the client did not write.

    Other than `model_dump`, it keeps what the client wrote: trials may change the `type` of an object of the base.
    """
    return dump_given(sweep)


def _check_layer_counts(document: JsonObject, limits: Limits) -> Iterator[Fault]:
    base: object = document.get("base")
    if isinstance(base, dict):
        yield from check_layer_count(cast("JsonObject", base), limits, "/base")
    specs: object = document.get("specs")
    for index, spec in enumerate(cast("list[object]", specs) if isinstance(specs, list) else []):
        if isinstance(spec, dict):
            yield from check_layer_count(cast("JsonObject", spec), limits, f"/specs/{index}")


def _check_space_size(document: JsonObject) -> Iterator[Fault]:
    """Yield a fault for more parameters and options than are allowed, whose resolution would only cost time."""
    if (count := _count_parameters(document.get("space"))) > MAX_DIMENSIONS:
        message = f"expected at most {MAX_DIMENSIONS} parameters and options, those of options included"
        yield Fault(pointer="/space", message=f"{message}; received {count}")


def _count_parameters(space: object) -> int:
    members = cast("JsonObject", space).values() if isinstance(space, dict) else ()
    count = len(members)
    for parameter in members:
        options = cast("JsonObject", parameter).get("choice") if isinstance(parameter, dict) else None
        for option in cast("list[object]", options) if isinstance(options, list) else ():
            count += 1
            if isinstance(option, dict):
                count += _count_parameters(cast("JsonObject", option).get("space"))
    return count


def _check_sweep(sweep: SweepSpec) -> Iterator[Fault]:
    """Yield a fault for each rule about several fields that a sweep breaks."""
    yield from _check_list(sweep) if sweep.method == "list" else _check_base(sweep)
    yield from _check_halving(sweep)
    if sweep.repeats.count > 1 or sweep.repeats.of_top is not None:
        for pointer in _find_parameters(sweep.space, "/space", _SEED):
            yield Fault(pointer=pointer, message="expected no parameter for the seed, which differs between repeats")


def _check_list(sweep: SweepSpec) -> Iterator[Fault]:
    if not sweep.specs:
        yield Fault(pointer="", message='expected "specs", an array of job specs, for the method list')
    for name in ("base", "space"):
        if name in sweep.model_fields_set:
            yield Fault(pointer=f"/{name}", message=f'expected no "{name}" for the method list, which has "specs"')


def _check_base(sweep: SweepSpec) -> Iterator[Fault]:
    if sweep.base is None:
        yield Fault(pointer="", message='expected "base", a job spec; received nothing')
    if sweep.specs:
        message = f'expected no "specs" for the method {sweep.method}'
        yield Fault(pointer="/specs", message=message, fix='use the method "list", or a "base" with a "space"')


def _check_halving(sweep: SweepSpec) -> Iterator[Fault]:
    if sweep.halving is None:
        return
    if sweep.base is None:
        yield Fault(pointer="/halving", message='expected a "base", whose epochs determine the rungs of halving')
    elif sweep.halving.from_epoch >= (epochs := sweep.base.training.epochs):
        message = f"expected from_epoch below {epochs}, the epochs of the base; received {sweep.halving.from_epoch}"
        yield Fault(pointer="/halving", message=message, fix="give the base more epochs, or leave out halving")
    for pointer in _find_parameters(sweep.space, "/space", _EPOCHS):
        message = "expected no parameter for the epochs: halving gives each trial its number of epochs"
        yield Fault(pointer=pointer, message=message)


def _find_parameters(space: Space, path: str, place: str) -> Iterator[str]:
    """Yield the pointers of the parameters that set a place or an object around it."""
    for pointer, parameter in space.items():
        here = f"{path}{format_pointer((pointer,))}"
        places = [pointer, *parameter.also]
        if isinstance(parameter, Choice):
            for index, option in enumerate(parameter.choice):
                places += option.also_set
                yield from _find_parameters(option.space, f"{here}/choice/{index}/space", place)
        if any(_leads_to(candidate, place) for candidate in places):
            yield here


def _leads_to(pointer: str, place: str) -> bool:
    segments = split_pointer(pointer)
    return split_pointer(place)[: len(segments)] == segments
