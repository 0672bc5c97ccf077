"""Tests of one backend of Keras: a process has the backend of KERAS_BACKEND, by default TensorFlow."""

import keras
import pytest

is_jax = keras.backend.backend() == "jax"


def tensorflow_only(reason):
    """Return a mark that skips a test on JAX."""
    return pytest.mark.skipif(is_jax, reason=reason)


def jax_only(reason):
    """Return a mark that skips a test on TensorFlow."""
    return pytest.mark.skipif(not is_jax, reason=reason)
