"""How a network is trained."""

from typing import Annotated, Literal

from pydantic import Field

from stackyard.spec.base import Count, Items, Part, Seed
from stackyard.spec.callbacks import Callback
from stackyard.spec.class_weight import ClassWeight
from stackyard.spec.losses import Loss
from stackyard.spec.metrics import Metric
from stackyard.spec.optimizers import Optimizer, RMSprop


class Training(Part):
    """The arguments of Keras's `compile` and `fit`, with their defaults.

    `seed` null is drawn when the job is submitted, and recorded. `shuffle` is `fit`'s own.

    `on_nonfinite` is ours: at the first loss that is not finite "stop" ends the training, and the job's outcome is
    `diverged`; "continue" trains to the last epoch all the same, as Keras does, and the history has what came of it.
    """

    optimizer: Optimizer = RMSprop()
    loss: Loss
    metrics: Annotated[Items[Metric], Field(max_length=100)] = ()
    batch_size: Count = 32
    epochs: Count = 1
    shuffle: bool = True
    seed: Seed | None = None
    class_weight: ClassWeight | None = None
    on_nonfinite: Literal["stop", "continue"] = "stop"
    callbacks: Annotated[Items[Callback], Field(max_length=20)] = ()
