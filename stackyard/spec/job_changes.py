"""Changes to a submitted job."""

from stackyard.spec.base import SpecModel
from stackyard.spec.job import JobName, Tags
from stackyard.spec.training.run import Priority


class JobChanges(SpecModel):
    """Each given field replaces the job's own; a `name` of null removes the name."""

    name: JobName | None = None
    tags: Tags = ()
    priority: Priority = 5

    def list_changed_fields(self) -> frozenset[str]:
        """Return the names of the fields to change."""
        return frozenset(self.model_fields_set)
