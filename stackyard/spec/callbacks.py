"""What watches a training and may end it."""

from typing import Annotated, Literal

from pydantic import Field

from stackyard.spec.base import Index, NonNegative, Part
from stackyard.spec.closed import Closed


class EarlyStopping(Part):
    """Ends a training whose `monitor` no longer improves. As in Keras, the last and not the best weights stay."""

    type: Literal["EarlyStopping"] = "EarlyStopping"
    monitor: Annotated[str, Field(min_length=1, max_length=100)] = "val_loss"
    min_delta: NonNegative = 0.0
    patience: Index = 0
    verbose: Literal[0, 1] = 0
    mode: Literal["auto", "min", "max"] = "auto"
    baseline: float | None = None
    restore_best_weights: bool = False
    start_from_epoch: Index = 0


Callback = Annotated[EarlyStopping, Closed("a callback")]
