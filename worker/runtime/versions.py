"""Which releases compute here, read without importing them."""

import platform
from importlib.metadata import version

import stackyard


def versions() -> dict[str, str]:
    """The releases of python, stackyard, keras and tensorflow."""
    return {
        "python": platform.python_version(),
        "stackyard": stackyard.__version__,
        "keras": version("keras"),
        "tensorflow": version("tensorflow"),
    }
