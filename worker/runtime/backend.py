"""Give this process its backend of Keras, before keras is imported."""

import os
import sys

from models import Backend


def select_backend(backend: Backend) -> None:
    """Let Keras load a backend when it is imported.

    Raises:
        RuntimeError: keras is already imported.

    """
    if "keras" in sys.modules:
        raise RuntimeError("expected to run before keras is imported, when it chooses its backend")
    os.environ["KERAS_BACKEND"] = backend.value
