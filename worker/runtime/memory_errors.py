"""Recognize errors that mean that a process gets no more memory."""

import errno

_BACKEND_ERRORS = frozenset({"ResourceExhaustedError", "JaxRuntimeError", "XlaRuntimeError"})
"""Names of classes of TensorFlow and JAX; of which one is imported, if any."""
_CODE = "RESOURCE_EXHAUSTED"
"""How JAX's messages begin, whose class is that of all its errors."""


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error of Python, the system, TensorFlow or JAX means that there is no more memory."""
    if isinstance(error, OSError):
        return error.errno == errno.ENOMEM
    name = type(error).__name__
    return isinstance(error, MemoryError) or (
        name in _BACKEND_ERRORS and (name == "ResourceExhaustedError" or str(error).startswith(_CODE))
    )
