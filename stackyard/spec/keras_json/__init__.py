"""Networks out of Keras's own JSON, read as data: nothing of Keras is loaded, and no name in it becomes a class."""

from stackyard.spec.keras_json.left_out import LeftOut
from stackyard.spec.keras_json.reading import Imported, read_keras

__all__ = ["Imported", "LeftOut", "read_keras"]
