"""The document of a sweep, from its base, its space and its options."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from pydantic import BaseModel

from stackyard.client.views import Json

if TYPE_CHECKING:
    from stackyard.spec import JobSpec  # slow to import, and most programs send plain documents


class SweepOptions(TypedDict, total=False):
    """How to search. The spec language of sweeps explains each field; those with a short form take it.

    `search` may be a method, such as "random". `objective` may be a metric. `budget` may be a number of trials, and
    `repeats` a number of repeats.
    """

    name: str
    tags: Sequence[str]
    priority: int
    search: str | Json
    objective: str | Json
    halving: Json
    repeats: int | Json
    budget: int | Json
    stop: Json
    max_concurrent: int


def build_sweep(
    base: "Mapping[str, Any] | JobSpec", space: Mapping[str, Any], **options: Unpack[SweepOptions]
) -> Json:
    """Return the document of a sweep.

    Args:
        base: the job spec that the trials vary.
        space: for JSON pointers into the base, the values that the trials try.
        options: how to search.

    """
    return {"base": convert_spec(base), "space": dict(space), **options}


def build_spec_list(specs: "Iterable[Mapping[str, Any] | JobSpec]", **options: Unpack[SweepOptions]) -> Json:
    """Return the document of a sweep whose trials are these job specs."""
    return {"specs": [convert_spec(spec) for spec in specs], "search": "list", **options}


def convert_spec(spec: "Mapping[str, Any] | JobSpec") -> Json:
    """Return a job spec as a document."""
    if isinstance(spec, BaseModel):
        return spec.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return dict(spec)
