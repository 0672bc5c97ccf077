"""Stackyard: training jobs for Keras, over HTTP. `stackyard.client` speaks to a server, in the words of `spec`."""

from importlib.metadata import PackageNotFoundError, version

__all__ = ["__version__"]

try:
    __version__ = version("stackyard")
except PackageNotFoundError:  # the source, used without being installed
    __version__ = "0+unknown"
