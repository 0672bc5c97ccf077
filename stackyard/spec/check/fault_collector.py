"""Where the problems of one spec gather."""

from collections.abc import Sequence
from typing import Any, cast

from stackyard.spec.base import Part
from stackyard.spec.job import JobSpec
from stackyard.spec.reading.faults import Problem, shorten
from stackyard.spec.reading.json_pointers import Step, pointer


class Faults:
    """Gathers problems, each at a place that the document really has."""

    def __init__(self, spec: JobSpec) -> None:
        self._spec = spec
        self.problems: list[Problem] = []

    def add(self, message: str, *steps: Step, fix: str | None = None) -> None:
        """Note what is wrong with what is `steps` from the root, or with what it is a default of."""
        way, here = locate(self._spec, steps)
        self.problems.append(Problem(pointer=way, message=message, received=shorten(here), fix=fix))


def locate(spec: JobSpec, steps: Sequence[Step]) -> tuple[str, object]:
    """Follow `steps` for as long as the document that was sent goes along: a pointer, and what is there."""
    here: object = spec
    way: list[Step] = []
    for step in steps:
        if not _leads_on(here, step):
            break
        here = getattr(here, str(step)) if isinstance(here, Part) else cast("Any", here)[step]
        way.append(step)
    return pointer(way), here


def _leads_on(here: object, step: Step) -> bool:
    if isinstance(step, int):
        return isinstance(here, tuple) and step < len(cast("tuple[object, ...]", here))
    if isinstance(here, dict):
        return step in here
    return isinstance(here, Part) and step in here.model_fields_set
