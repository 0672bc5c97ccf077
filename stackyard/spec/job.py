"""The spec of a job."""

from typing import Annotated

from pydantic import Field

from stackyard.spec.base import JsonArray, SpecModel
from stackyard.spec.data.data import Data
from stackyard.spec.network.network import Network
from stackyard.spec.training.run import Run
from stackyard.spec.training.training import Training

JobName = Annotated[str, Field(min_length=1, max_length=200)]
Tag = Annotated[str, Field(min_length=1, max_length=50)]
Tags = Annotated[JsonArray[Tag], Field(max_length=50)]


class JobSpec(SpecModel):
    """A training job: its data, its network, its training and where it runs.

    `name` and `tags` do not affect the training; they help to find the job in a list.
    """

    name: JobName | None = None
    tags: Tags = ()
    data: Data
    network: Network
    training: Training
    run: Run = Run()
