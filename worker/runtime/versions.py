"""The versions of the software that trains, read without importing it."""

import platform
from importlib.metadata import version

import stackyard


def get_versions() -> dict[str, str]:
    """Return the versions of python, stackyard, keras and tensorflow."""
    return {
        "python": platform.python_version(),
        "stackyard": stackyard.__version__,
        "keras": version("keras"),
        "tensorflow": version("tensorflow"),
    }
