"""The versions of the software that trains, read without importing it."""

import platform
from importlib.metadata import version

import stackyard
from models import Backend


def get_versions(*backends: Backend) -> dict[str, str]:
    """Return the versions of python, stackyard, keras and some of its backends; by default of all of them."""
    return {
        "python": platform.python_version(),
        "stackyard": stackyard.__version__,
        "keras": version("keras"),
        **{backend.value: version(backend) for backend in backends or Backend},
    }
