"""Open a CSV file for reading bytes, compressed or not, with a limit on its decompressed size."""

import gzip
import io
import zlib
from pathlib import Path
from typing import BinaryIO, Literal, cast

from service.datasets.inspection.invalid_file import InvalidFileError

_BUFFER_BYTES = 1 << 20
_GZIP_SIGNATURE = b"\x1f\x8b"


def detect_compression(path: Path) -> Literal["gzip"] | None:
    """Return the compression that the first bytes of a file declare."""
    with path.open("rb") as file:
        return "gzip" if file.read(len(_GZIP_SIGNATURE)) == _GZIP_SIGNATURE else None


def open_csv(path: Path, compression: Literal["gzip"] | None, max_bytes: int | None = None) -> BinaryIO:
    """Open a CSV file. Reading raises `InvalidFileError` where compressed data is corrupt or too large.

    Args:
        path: the file.
        compression: of the file.
        max_bytes: maximum size of the decompressed content.

    """
    if compression is None:
        return path.open("rb")
    reader = io.BufferedReader(_GzipReader(path, max_bytes), _BUFFER_BYTES)
    return cast("BinaryIO", reader)


class _GzipReader(io.RawIOBase):
    """The decompressed content of a file, up to a maximum size."""

    def __init__(self, path: Path, max_bytes: int | None) -> None:
        self._file = gzip.GzipFile(path, "rb")
        self._max_bytes = max_bytes
        self._size = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # pyright: ignore[reportIncompatibleMethodOverride]
        try:
            count = self._file.readinto(buffer)
        except (OSError, EOFError, zlib.error) as error:
            raise InvalidFileError(f"The file cannot be decompressed with gzip: {str(error)[:200]}.") from None
        self._size += count
        if self._max_bytes is not None and self._size > self._max_bytes:
            raise InvalidFileError(
                f"The file takes more than {self._max_bytes:,} bytes when it is decompressed, "
                "which is the limit of an upload."
            )
        return count

    def close(self) -> None:
        self._file.close()
        super().close()
