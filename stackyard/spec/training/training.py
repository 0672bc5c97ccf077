"""How a network is trained."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from stackyard.spec.base import Count, Items, Part, Seed, refusal
from stackyard.spec.reading.faults import say
from stackyard.spec.training.callbacks import Callback
from stackyard.spec.training.class_weight import ClassWeight
from stackyard.spec.training.losses import Loss
from stackyard.spec.training.metrics import Metric
from stackyard.spec.training.optimizers import Optimizer, RMSprop


def _shuffle(value: object) -> object:
    if isinstance(value, bool) or value == "keras":
        return value
    raise refusal(f'expected true, false or "keras"; received {say(value)}')


Shuffle = Annotated[bool | Literal["keras"], BeforeValidator(_shuffle)]


class Training(Part):
    """The arguments of Keras's `compile` and `fit`, with their defaults.

    `seed` null is drawn when the job is submitted, and recorded.

    `shuffle` true takes the rows of every epoch in an order of its own, drawn from the seed and the epoch's number as
    `numpy.random.RandomState([seed, epoch]).permutation(rows)`, epochs counting from 0. "keras" takes them as stock
    Keras's `fit(shuffle=True)` does after `keras.utils.set_random_seed(seed)`: in one order, the same in every epoch.
    false takes them as they come.

    `on_nonfinite` is ours: at the first loss that is not finite "stop" ends the training, and the job's outcome is
    `diverged`; "continue" trains to the last epoch all the same, as Keras does, and the history has what came of it.
    """

    optimizer: Optimizer = RMSprop()
    loss: Loss
    metrics: Annotated[Items[Metric], Field(max_length=100)] = ()
    batch_size: Count = 32
    epochs: Count = 1
    shuffle: Shuffle = True
    seed: Seed | None = None
    class_weight: ClassWeight | None = None
    on_nonfinite: Literal["stop", "continue"] = "stop"
    callbacks: Annotated[Items[Callback], Field(max_length=20)] = ()
