"""Imports networks from Keras's JSON. It is read only as data: no Keras code runs, and no name in it loads a class."""

from stackyard.spec.keras_json.keras_reader import ImportedModel, parse_keras_json
from stackyard.spec.keras_json.omissions import Omission

__all__ = ["ImportedModel", "Omission", "parse_keras_json"]
