"""Turn a dataset's rows into the arrays that a network trains on. Nothing in this package loads Keras.

`prepare_data` works in memory. Workers use `Preparer`, which also caches results and prepares large data in files.
"""

from service.errors import StorageError
from worker.preparation.arrays import PreparationError
from worker.preparation.prepare import prepare_data
from worker.preparation.prepared_data import PreparedData
from worker.preparation.preparer import Preparer

__all__ = ["PreparationError", "PreparedData", "Preparer", "StorageError", "prepare_data"]
