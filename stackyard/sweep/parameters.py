"""The parameters of one trial."""

from collections.abc import Mapping

from pydantic import JsonValue

Parameters = Mapping[str, JsonValue]
"""The values of one trial by their JSON pointers into the job spec, in the order of the search space.

A trial of the method `list` has the single parameter `/specs`: the index of its spec.
"""

SPEC_INDEX = "/specs"
"""The parameter of a trial of the method `list`."""
