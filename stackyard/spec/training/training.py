"""The training of a network."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from stackyard.spec.base import JsonArray, PositiveInt, Seed, SpecModel, build_validation_error
from stackyard.spec.reading.faults import format_value
from stackyard.spec.training.callbacks import Callback
from stackyard.spec.training.class_weight import ClassWeight
from stackyard.spec.training.losses import Loss
from stackyard.spec.training.metrics import Metric
from stackyard.spec.training.optimizers import Optimizer, RMSprop


def _check_shuffle(value: object) -> object:
    if isinstance(value, bool) or value == "keras":
        return value
    raise build_validation_error(f'expected true, false or "keras"; received {format_value(value)}')


Shuffle = Annotated[bool | Literal["keras"], BeforeValidator(_check_shuffle)]


class Training(SpecModel):
    """The arguments of Keras's `compile` and `fit`, with Keras's defaults.

    If `seed` is null, a seed is drawn when the job is submitted and recorded with the job.

    `shuffle` sets the order of the training rows:

    - true: a new order in every epoch, `numpy.random.RandomState([seed, epoch]).permutation(rows)`, where epochs count
      from 0;
    - "keras": the order of Keras's own `fit(shuffle=True)` after `keras.utils.set_random_seed(seed)`, the same in
      every epoch;
    - false: the order of the dataset.

    `on_nonfinite` is not an argument of Keras. With "stop", the training ends at the first loss that is not finite,
    and the job's outcome is `diverged`. With "continue", it runs to the last epoch, as in Keras, and the history
    records the losses that are not finite.
    """

    optimizer: Optimizer = RMSprop()
    loss: Loss
    metrics: Annotated[JsonArray[Metric], Field(max_length=100)] = ()
    batch_size: PositiveInt = 32
    epochs: PositiveInt = 1
    shuffle: Shuffle = True
    seed: Seed | None = None
    class_weight: ClassWeight | None = None
    on_nonfinite: Literal["stop", "continue"] = "stop"
    callbacks: Annotated[JsonArray[Callback], Field(max_length=20)] = ()
