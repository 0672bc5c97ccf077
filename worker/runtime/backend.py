"""Give this process its backend of Keras, before keras is imported."""

import os
import sys

from models import Backend

_BACKEND_VARIABLE = "KERAS_BACKEND"
_PREALLOCATION_VARIABLE = "XLA_PYTHON_CLIENT_PREALLOCATE"
"""By default JAX reserves most of a GPU's memory when it starts, and nothing is left for other processes."""


def select_backend(backend: Backend) -> None:
    """Let Keras load a backend when it is imported, and let JAX allocate a GPU's memory as needed.

    Raises:
        RuntimeError: keras is already imported.

    """
    if "keras" in sys.modules:
        raise RuntimeError("expected to run before keras is imported, when it chooses its backend")
    os.environ[_BACKEND_VARIABLE] = backend.value
    os.environ.setdefault(_PREALLOCATION_VARIABLE, "false")
