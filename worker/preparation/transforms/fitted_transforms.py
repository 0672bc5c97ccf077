"""All that was fitted for a network: what stands between a dataset's rows and its inputs and outputs."""

from pydantic import BaseModel, ConfigDict

from worker.preparation.transforms.array_inputs import FittedInputs
from worker.preparation.transforms.targets import FittedTarget


class Fitted(BaseModel):
    """A job's artifact `preprocessing`, as JSON; `worker.prediction` reads it."""

    model_config = ConfigDict(frozen=True)

    inputs: FittedInputs
    target: FittedTarget
