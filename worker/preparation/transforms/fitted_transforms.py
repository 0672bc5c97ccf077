"""All fitted transforms of a job."""

from pydantic import BaseModel, ConfigDict

from worker.preparation.transforms.array_inputs import FittedInputs
from worker.preparation.transforms.targets import FittedTarget


class FittedTransforms(BaseModel):
    """The job artifact `preprocessing`, stored as JSON; `worker.prediction` reads it."""

    model_config = ConfigDict(frozen=True)

    inputs: FittedInputs
    target: FittedTarget
