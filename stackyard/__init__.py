"""Stackyard, a training-job service for Keras: `spec` defines jobs and `client` calls the HTTP API."""

import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

__all__ = ["__version__"]


def _read_version() -> str:
    """Return the version of the installed package, or of the source tree if it is not installed, as in the image."""
    try:
        return version("stackyard")
    except PackageNotFoundError:
        pyproject = Path(__file__).parents[1] / "pyproject.toml"
        return tomllib.loads(pyproject.read_text())["project"]["version"]


__version__ = _read_version()
