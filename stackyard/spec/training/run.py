"""Where and when a job runs."""

from typing import Annotated, Literal

from pydantic import Field

from stackyard.spec.base import Part, Positive

Priority = Annotated[int, Field(ge=0, le=9)]


class Run(Part):
    """The kind of worker, and the place in its queue.

    `device` cpu and gpu wait for such a worker, however long none lives. `auto` means a GPU while a live worker serves
    one, else a CPU: that is decided when the job is submitted and, while it waits, again if nobody is left who serves
    what was chosen. Of the jobs that wait, the highest `priority` is next, and of equal ones the oldest.

    A job that has run for `time_limit_s` seconds, over all its attempts whose work was kept, ends as failed with the
    reason `time_limit`; its last checkpoint is kept.
    """

    device: Literal["auto", "cpu", "gpu"] = "auto"
    priority: Priority = 5
    time_limit_s: Positive | None = None
