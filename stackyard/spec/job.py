"""The whole spec of one job."""

from typing import Annotated

from pydantic import Field

from stackyard.spec.base import Items, Part
from stackyard.spec.data.data import Data
from stackyard.spec.network.network import Network
from stackyard.spec.training.run import Run
from stackyard.spec.training.training import Training

JobName = Annotated[str, Field(min_length=1, max_length=200)]
Tag = Annotated[str, Field(min_length=1, max_length=50)]
Tags = Annotated[Items[Tag], Field(max_length=50)]


class JobSpec(Part):
    """What a client asks for: data, a network, how to train it and where.

    `name` and `tags` change nothing about the training: they are for finding the job in a list.
    """

    name: JobName | None = None
    tags: Tags = ()
    data: Data
    network: Network
    training: Training
    run: Run = Run()
