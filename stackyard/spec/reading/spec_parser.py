"""Parses JSON text as a spec."""

from collections.abc import Iterator
from typing import TypeVar, cast

from pydantic import ValidationError

from stackyard.spec.base import SpecModel
from stackyard.spec.job import JobSpec
from stackyard.spec.job_changes import JobChanges, JobContinuation, JobResumption
from stackyard.spec.limits import Limits
from stackyard.spec.reading.faults import Fault, SpecError
from stackyard.spec.reading.json_document import JsonObject, decode_json_object
from stackyard.spec.reading.validation_messages import build_faults

P = TypeVar("P", bound=SpecModel)


def build_validators() -> None:
    """Build the validators of specs now. Without this call, the first parse builds them, and takes longer."""
    JobSpec.model_rebuild()
    JobChanges.model_rebuild()


def parse_spec(text: bytes, limits: Limits | None = None) -> JobSpec:
    """Parse a spec.

    Args:
        text: A JSON object in UTF-8, which need not be trusted.
        limits: Bounds on its size; the defaults if None.

    Returns:
        The spec with every default filled in. `parse_spec(spec.model_dump_json().encode())` equals `spec`.

    Raises:
        SpecError: With all faults of the text, at pointers into it. No other exception.
    """
    limits = limits or Limits()
    document = decode_json_object(text, limits)
    if faults := list(check_layer_count(document, limits)):
        raise SpecError(faults)
    return validate_document(JobSpec, document)


def parse_job_changes(text: bytes, limits: Limits | None = None) -> JobChanges:
    """Parse changes to a job.

    Args:
        text: A JSON object in UTF-8, which need not be trusted.
        limits: Bounds on its size; the defaults if None.

    Raises:
        SpecError: With all faults of the text, at pointers into it. No other exception.
    """
    return validate_document(JobChanges, decode_json_object(text, limits))


def parse_job_resumption(text: bytes, limits: Limits | None = None) -> JobResumption:
    """Parse how far a paused job is to train; arguments and errors as in `parse_job_changes`."""
    return validate_document(JobResumption, decode_json_object(text, limits))


def parse_job_continuation(text: bytes, limits: Limits | None = None) -> JobContinuation:
    """Parse the number of epochs to continue a job to; arguments and errors as in `parse_job_changes`."""
    return validate_document(JobContinuation, decode_json_object(text, limits))


def validate_document(spec_class: type[P], document: JsonObject) -> P:
    """Return a decoded document as an object of the language.

    Raises:
        SpecError: With all faults of the document, at pointers into it. No other exception.
    """
    spec_classes: dict[int, type[SpecModel]] = {}
    try:
        return spec_class.model_validate(document, context=spec_classes)
    except ValidationError as error:
        raise SpecError(build_faults(error, document, spec_classes)) from None


def check_layer_count(document: JsonObject, limits: Limits, pointer: str = "") -> Iterator[Fault]:
    """Yield a fault for more layers than are allowed, whose validation would only cost time.

    Args:
        document: A decoded spec, which may be invalid.
        limits: Bounds on its size.
        pointer: Where the spec stands in a larger document.

    """
    network: object = document.get("network")
    layers = cast("JsonObject", network).get("layers") if isinstance(network, dict) else None
    if isinstance(layers, list) and (count := len(cast("list[object]", layers))) > limits.max_layers:
        message = f"expected at most {limits.max_layers} layers (limit max_layers), received {count}"
        yield Fault(pointer=f"{pointer}/network/layers", message=message)
