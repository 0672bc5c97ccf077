"""Where the problems of one spec gather."""

from collections.abc import Sequence
from typing import cast

from stackyard.spec.base import Part
from stackyard.spec.job import JobSpec
from stackyard.spec.pointers import Step, pointer
from stackyard.spec.problems import Problem, shorten


class Faults:
    """Gathers problems, each at a place that the document really has."""

    def __init__(self, spec: JobSpec) -> None:
        self._spec = spec
        self.problems: list[Problem] = []

    def add(self, message: str, *steps: Step) -> None:
        """Note what is wrong with what is `steps` from the root, or with what it is a default of."""
        here: object = self._spec
        way: list[Step] = []
        for step in steps:
            if not _leads_on(here, step):
                break
            here = getattr(here, step) if isinstance(step, str) else cast("Sequence[object]", here)[step]
            way.append(step)
        self.problems.append(Problem(pointer=pointer(way), message=message, received=shorten(here)))


def _leads_on(here: object, step: Step) -> bool:
    if isinstance(step, str):
        return isinstance(here, Part) and step in here.model_fields_set
    return isinstance(here, tuple) and step < len(cast("tuple[object, ...]", here))
