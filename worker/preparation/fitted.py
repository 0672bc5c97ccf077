"""All that was fitted for a network: what stands between a dataset's rows and its inputs and outputs."""

from pydantic import BaseModel, ConfigDict

from worker.preparation.inputs import FittedInputs
from worker.preparation.targets import FittedTarget


class Fitted(BaseModel):
    """A job's artifact `preprocessing`, as JSON; `worker.prediction` reads it."""

    model_config = ConfigDict(frozen=True)

    inputs: FittedInputs
    target: FittedTarget
