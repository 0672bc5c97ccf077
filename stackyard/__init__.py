"""Stackyard, a training-job service for Keras: `spec` defines jobs and `client` calls the HTTP API."""

from importlib.metadata import PackageNotFoundError, version

__all__ = ["__version__"]

try:
    __version__ = version("stackyard")
except PackageNotFoundError:  # a source checkout that is not installed
    __version__ = "0+unknown"
