"""The backend of this process, which is fixed when Keras is imported."""

import functools
from typing import Any

import keras

import models
from worker.engine.backend.interface import Backend

_keras: Any = keras.backend  # untyped


@functools.cache
def load_backend() -> Backend:
    """Return the backend of this process. Only its libraries are imported: the others take memory and time."""
    if is_jax():
        from worker.engine.backend.jax_backend import JaxBackend  # noqa: PLC0415  # see above

        return JaxBackend()
    from worker.engine.backend.tensorflow_backend import TensorFlowBackend  # noqa: PLC0415  # see above

    return TensorFlowBackend()


def is_jax() -> bool:
    """Return whether this process computes with JAX, otherwise with TensorFlow."""
    return bool(_keras.backend() == models.Backend.JAX)
