"""Secrets from environment variables, or from files, as containers mount them."""

import os
from pathlib import Path

_MAX_BYTES = 2**16


class SecretFileError(ValueError):
    """A secret cannot be read. The message says why, without the secret."""


def read_secret(variable: str) -> str | None:
    """Return a secret from a variable, or from the file that the variable with the suffix `_FILE` names.

    Returns:
        The secret; None if neither variable is set.

    Raises:
        SecretFileError: both variables are set, or the file cannot be read.

    """
    secret, path = os.environ.get(variable), os.environ.get(f"{variable}_FILE")
    if path is None:
        return secret
    if secret is not None:
        raise SecretFileError(f"{variable} and {variable}_FILE are both set; unset one of them")
    return read_secret_file(Path(path))


def read_secret_file(path: Path) -> str:
    """Return the content of a file without the line end after it.

    Raises:
        SecretFileError: the file cannot be read, is not UTF-8, or is larger than 64 KiB.

    """
    try:
        with path.expanduser().open("rb") as file:
            content = file.read(_MAX_BYTES + 1)
        if len(content) > _MAX_BYTES:
            raise SecretFileError(f"{path} is larger than 64 KiB; expected a secret")
        return content.decode().rstrip("\r\n")
    except OSError as error:
        raise SecretFileError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise SecretFileError(f"{path} is not UTF-8 text; expected a secret") from None
