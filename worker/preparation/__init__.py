"""From a dataset's rows to the arrays that a network trains on. Nothing in here loads keras.

`prepare` makes them in memory. A worker's door is `Preparer`, which also keeps them, and turns to files for the large.
"""

from service.errors import StorageError
from worker.preparation.arrays import PreparationError
from worker.preparation.prepare import prepare
from worker.preparation.prepared_data import Prepared
from worker.preparation.preparer import Preparer

__all__ = ["PreparationError", "Prepared", "Preparer", "StorageError", "prepare"]
