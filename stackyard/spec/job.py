"""The spec of a job."""

import re
from typing import Annotated, Any

from pydantic import AfterValidator, Field, ValidationInfo

from stackyard.spec.base import JsonArray, SpecModel, build_validation_error
from stackyard.spec.data.data import Data
from stackyard.spec.network.network import Network
from stackyard.spec.reading.faults import format_value
from stackyard.spec.training.run import Run
from stackyard.spec.training.training import Training

UNPRINTABLE_CHARACTERS = "\\u0000-\\u001f\\u007f-\\u009f\\u2028-\\u202e\\u2066-\\u2069"
"""Ranges of a character class: control characters, separators of lines, and changes of the direction of text."""
_PRINTABLE = f"^[^{UNPRINTABLE_CHARACTERS}]*$"
"""A pattern without these characters.

Terminals of other users print names. A control character could change what they show, or what they do.
"""


def _check_printable(text: str, info: ValidationInfo[Any]) -> str:
    """Reject control characters in a document from a client.

    A stored spec is validated without a context. It may be older than this rule, and its job must stay readable.
    """
    if info.context is None or re.fullmatch(_PRINTABLE.removesuffix("$"), text):
        return text
    raise build_validation_error(f"expected no control characters, received {format_value(text)}")


_Printable = AfterValidator(_check_printable)
JobName = Annotated[str, Field(min_length=1, max_length=200, json_schema_extra={"pattern": _PRINTABLE}), _Printable]
Tag = Annotated[str, Field(min_length=1, max_length=50, json_schema_extra={"pattern": _PRINTABLE}), _Printable]
Tags = Annotated[JsonArray[Tag], Field(max_length=50)]


class JobSpec(SpecModel):
    """A training job: its data, its network, its training and where it runs.

    `name` and `tags` do not affect the training; they help to find the job in a list.
    """

    name: JobName | None = None
    tags: Tags = ()
    data: Data
    network: Network
    training: Training
    run: Run = Run()


def remove_control_characters(spec: JobSpec) -> JobSpec:
    """Return a spec whose name and tags have no control characters.

    A spec that an earlier release stored may have some. A copy of it must not spread them.
    """
    name = spec.name and _remove_unprintable(spec.name)
    tags = tuple(tag for tag in map(_remove_unprintable, spec.tags) if tag)
    if (name, tags) == (spec.name, spec.tags):
        return spec
    return spec.model_copy(update={"name": name or None, "tags": tags})


def _remove_unprintable(text: str) -> str:
    return re.sub(f"[{UNPRINTABLE_CHARACTERS}]", "", text)
