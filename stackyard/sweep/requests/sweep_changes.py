"""Changes to a sweep, and the trials that a client adds to it."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import Field, JsonValue

from stackyard.spec.base import SpecModel
from stackyard.spec.job import JobName, Tags
from stackyard.spec.limits import Limits
from stackyard.spec.reading.json_document import decode_json_object
from stackyard.spec.reading.spec_parser import validate_document
from stackyard.spec.training.run import Priority
from stackyard.sweep.space import Pointer
from stackyard.sweep.sweep_spec import Budget

_MAX_CLIENT_PARAMETERS = 2000


class SweepChanges(SpecModel):
    """Each given field replaces the sweep's own; of the budget, each given bound. A null removes a name or a bound."""

    name: JobName | None = None
    tags: Tags = ()
    priority: Priority = 5
    budget: Budget = Budget()
    max_concurrent: Annotated[int, Field(ge=1, le=10_000)] | None = None

    def list_changed_fields(self) -> frozenset[str]:
        """Return the names of the fields to change."""
        return frozenset(self.model_fields_set)


class ClientTrial(SpecModel):
    """A trial whose parameters the client chooses. With a `value`, the client has evaluated it, and no job runs."""

    parameters: Annotated[Mapping[Pointer, JsonValue], Field(max_length=_MAX_CLIENT_PARAMETERS)]
    value: float | None = None


class ClientValue(SpecModel):
    """The value of a trial that the client has computed, in place of the one from its history."""

    value: float


def parse_sweep_changes(text: bytes, limits: Limits) -> SweepChanges:
    """Parse changes to a sweep.

    Raises:
        SpecError: With all faults of the text, at pointers into it. No other exception.

    """
    return validate_document(SweepChanges, decode_json_object(text, limits))


def parse_client_trial(text: bytes, limits: Limits) -> ClientTrial:
    """Parse a trial of a client.

    Raises:
        SpecError: With all faults of the text, at pointers into it. No other exception.

    """
    return validate_document(ClientTrial, decode_json_object(text, limits))


def parse_client_value(text: bytes, limits: Limits) -> ClientValue:
    """Parse the value of a trial.

    Raises:
        SpecError: With all faults of the text, at pointers into it. No other exception.

    """
    return validate_document(ClientValue, decode_json_object(text, limits))
