"""How rows become inputs, for the training's and for any that come later."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from stackyard.spec import Normalize
from worker.preparation.arrays import Array, empty
from worker.preparation.transforms.features import FittedTable
from worker.preparation.transforms.normalization import normalize


class FittedArray(BaseModel):
    """Rows of `shape` that are taken as they are, or divided by their norms; `type` is NumPy's name for theirs."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["array"] = "array"
    shape: tuple[int, ...]
    type: str
    normalize: Normalize | None

    def apply(self, rows: Array) -> Array:
        """The inputs of rows of any type; float32 of the same shape.

        Raises:
            PreparationError: Keras cannot normalize rows of this shape along this axis.

        """
        if self.normalize is not None:
            return normalize(rows, self.normalize)
        made = empty(rows.shape)
        made[...] = rows
        return made


FittedInputs = Annotated[FittedTable | FittedArray, Field(discriminator="kind")]
"""What was fitted to make inputs; told apart by `kind`."""
