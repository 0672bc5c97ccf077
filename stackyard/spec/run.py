"""Where and when a job runs."""

from typing import Annotated, Literal

from pydantic import Field

from stackyard.spec.base import Part


class Run(Part):
    """`device` auto takes whatever is free first; of the jobs that wait, the highest `priority` is next."""

    device: Literal["auto", "cpu", "gpu"] = "auto"
    priority: Annotated[int, Field(ge=0, le=9)] = 5
