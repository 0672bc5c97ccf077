"""The access log of Uvicorn, in which clients choose the paths."""

import logging

from service.logs import shorten_text

MAX_PATH_LENGTH = 200
_PATH_INDEX = 2
"""Index of the path in the arguments of a record: address, method, path, HTTP version, status."""


def shorten_logged_paths() -> None:
    """Shorten the paths in the access log, so that a refused request costs a line of bounded length."""
    logger = logging.getLogger("uvicorn.access")
    if _shorten_path not in logger.filters:
        logger.addFilter(_shorten_path)


def _shorten_path(record: logging.LogRecord) -> bool:
    if isinstance(record.args, tuple) and len(record.args) > _PATH_INDEX:
        arguments = list(record.args)
        arguments[_PATH_INDEX] = shorten_text(str(arguments[_PATH_INDEX]), MAX_PATH_LENGTH)
        record.args = tuple(arguments)
    return True
