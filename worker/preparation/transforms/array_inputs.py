"""The inputs of a job that learns from arrays."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from stackyard.spec import Normalize
from worker.preparation.arrays import Array, allocate_aligned
from worker.preparation.transforms.features import FittedTable
from worker.preparation.transforms.normalization import normalize_rows


class FittedArray(BaseModel):
    """Array rows of `shape`, optionally divided by their norms; `type` is NumPy's name of the array's dtype."""

    model_config = ConfigDict(frozen=True)

    kind: Literal["array"] = "array"
    shape: tuple[int, ...]
    type: str
    normalize: Normalize | None

    def apply(self, rows: Array) -> Array:
        """Return the inputs for rows of any dtype; float32 of the same shape.

        Raises:
            PreparationError: Keras cannot normalize rows of this shape along this axis.

        """
        if self.normalize is not None:
            return normalize_rows(rows, self.normalize)
        inputs = allocate_aligned(rows.shape)
        inputs[...] = rows
        return inputs


FittedInputs = Annotated[FittedTable | FittedArray, Field(discriminator="kind")]
"""The fitted input transform; `kind` says which one it is."""
