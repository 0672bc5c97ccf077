"""From bytes to a spec."""

from collections.abc import Iterator
from typing import TypeVar, cast

from pydantic import ValidationError

from stackyard.spec.base import Part
from stackyard.spec.job import JobSpec
from stackyard.spec.job_changes import JobChanges
from stackyard.spec.limits import Limits
from stackyard.spec.reading.faults import Problem, SpecError
from stackyard.spec.reading.json_document import JsonObject, decode
from stackyard.spec.reading.validation_messages import explain

P = TypeVar("P", bound=Part)


def parse(text: bytes, limits: Limits | None = None) -> JobSpec:
    """Read a spec.

    Args:
        text: A JSON object in UTF-8, from anybody.
        limits: Bounds on its size; the defaults if None.

    Returns:
        The spec with every default filled in. `parse(spec.model_dump_json().encode())` equals `spec`.

    Raises:
        SpecError: With everything that is wrong with it, at pointers into `text`. No other exception.
    """
    limits = limits or Limits()
    document = decode(text, limits)
    if too_much := list(_too_much(document, limits)):
        raise SpecError(too_much)
    return _validated(JobSpec, document)


def parse_changes(text: bytes, limits: Limits | None = None) -> JobChanges:
    """Read what is to be changed about a job.

    Args:
        text: A JSON object in UTF-8, from anybody.
        limits: Bounds on its size; the defaults if None.

    Raises:
        SpecError: With everything that is wrong with it, at pointers into `text`. No other exception.
    """
    return _validated(JobChanges, decode(text, limits))


def _validated(part: type[P], document: JsonObject) -> P:
    readers: dict[int, type[Part]] = {}
    try:
        return part.model_validate(document, context=readers)
    except ValidationError as error:
        raise SpecError(explain(error, document, readers)) from None


def _too_much(document: JsonObject, limits: Limits) -> Iterator[Problem]:
    """Refuse what would only cost time to validate."""
    network: object = document.get("network")
    layers = cast("JsonObject", network).get("layers") if isinstance(network, dict) else None
    if isinstance(layers, list) and (count := len(cast("list[object]", layers))) > limits.max_layers:
        message = f"expected at most {limits.max_layers} layers (limit max_layers), received {count}"
        yield Problem(pointer="/network/layers", message=message)
