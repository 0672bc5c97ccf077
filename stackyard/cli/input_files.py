"""Files that commands read; `-` stands for standard input."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, cast

STANDARD_INPUT = Path("-")
"""The file name that stands for standard input."""

_MEDIA_TYPES = {b"PAR1\x15": "application/vnd.apache.parquet", b"PK\x03\x04": "application/x-npz"}
"""By the first bytes of a file."""
_SIGNATURE_BYTES = 5


class _ContinuedStream:
    """A stream of bytes whose first ones were read already."""

    def __init__(self, start: bytes, rest: BinaryIO) -> None:
        self._start = start
        self._rest = rest

    def read(self, size: int) -> bytes:
        """Return at most this many bytes; none at the end."""
        start, self._start = self._start, b""
        return start or self._rest.read(size)


def read_input(file: Path) -> bytes:
    """Read a file, or standard input for `-`.

    Raises:
        OSError: the file cannot be read.

    """
    return sys.stdin.buffer.read() if file == STANDARD_INPUT else file.read_bytes()


def name_input(file: Path) -> str:
    """Return the name of a file for the start of a message."""
    return "Standard input" if file == STANDARD_INPUT else str(file)


@contextmanager
def open_dataset(file: Path) -> Generator[tuple[BinaryIO, str | None]]:
    """Open a file to upload, or standard input for `-`; yield it and its media type.

    The first bytes of standard input tell the media type, which is CSV for all but Parquet and NPZ. The type of a
    file is None: its name has a suffix.

    Raises:
        OSError: the file cannot be read.

    """
    if file != STANDARD_INPUT:
        with file.open("rb") as opened:
            yield opened, None
        return
    start = sys.stdin.buffer.read(_SIGNATURE_BYTES)
    types = (media_type for signature, media_type in _MEDIA_TYPES.items() if start.startswith(signature))
    stream = _ContinuedStream(start, sys.stdin.buffer)
    yield cast("BinaryIO", stream), next(types, "text/csv")  # the client only reads from it
