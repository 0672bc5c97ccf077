"""What may be changed about a job that is there."""

from stackyard.spec.base import Part
from stackyard.spec.job import JobName, Tags
from stackyard.spec.training.run import Priority


class JobChanges(Part):
    """What is given replaces what the job has; `name` null takes its name away."""

    name: JobName | None = None
    tags: Tags = ()
    priority: Priority = 5

    def given(self) -> frozenset[str]:
        """The names of what is to be changed."""
        return frozenset(self.model_fields_set)
