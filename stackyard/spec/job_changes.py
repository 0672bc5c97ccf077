"""Requests that change a submitted job, or train it further."""

from typing import Annotated

from pydantic import Field

from stackyard.spec.base import PositiveInt, SpecModel
from stackyard.spec.job import JobName, Tags
from stackyard.spec.training.run import Priority


class JobChanges(SpecModel):
    """Each given field replaces the job's own. A `name` of null removes the name.

    An `until_epoch` of null lets the job train to its end.
    """

    name: JobName | None = None
    tags: Tags = ()
    priority: Priority = 5
    until_epoch: PositiveInt | None = None

    def list_changed_fields(self) -> frozenset[str]:
        """Return the names of the fields to change."""
        return frozenset(self.model_fields_set)


class JobResumption(SpecModel):
    """How far a paused job trains before it pauses again; null lets it train to its end."""

    until_epoch: PositiveInt | None = None


class JobContinuation(SpecModel):
    """The number of epochs that a job has trained in all once it has been continued."""

    epochs: Annotated[PositiveInt, Field(le=2**63 - 1)]
