"""Networks out of Keras's own JSON, read as data: nothing of Keras is loaded, and no name in it becomes a class."""

from stackyard.spec.keras_json.keras_reader import Imported, read_keras
from stackyard.spec.keras_json.omissions import LeftOut

__all__ = ["Imported", "LeftOut", "read_keras"]
