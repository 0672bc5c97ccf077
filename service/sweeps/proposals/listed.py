"""The method `list`: the specs of the sweep in their order."""

from stackyard.sweep import SPEC_INDEX, Parameters, SweepSpec


def get_spec_index(sweep: SweepSpec, number: int) -> Parameters | None:
    """Return the parameters of the spec with a number, or None beyond the last one."""
    return {SPEC_INDEX: number} if number < len(sweep.specs) else None
