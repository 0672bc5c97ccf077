"""From a dataset's rows to the arrays that a network trains on. Nothing in here loads keras.

`prepare` is the door.
"""

from worker.preparation.arrays import PreparationError
from worker.preparation.door import prepare
from worker.preparation.prepared import Prepared

__all__ = ["PreparationError", "Prepared", "prepare"]
