"""Writing to the worker's disk, and what is said where that fails."""

import os
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np

from service.errors import StorageError
from worker.preparation.arrays import Array, blocks
from worker.preparation.mapped_rows import forget
from worker.preparation.plan import Make

_BLOCK = 8 << 20
"""Bytes of prepared rows that are made at a time; what they are made of is several times as much."""
_FORGET = 32 << 20
"""Bytes of prepared rows for which the files that they are made of may stay mapped, wherever in them the rows lie."""
_SYNC = 128 << 20
"""Bytes after which the disk is told to write, beside the work: so that the end has little to wait for."""


@contextmanager
def storing() -> Generator[None]:
    """Make one error of all that a disk may answer to a write.

    Raises:
        StorageError: it had no room, or failed.

    """
    try:
        yield
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise StorageError(f"The worker could not write prepared rows to its disk: {why}.") from error


def write_rows(path: Path, positions: Array, make: Make, mapped: Iterable[Array], check: Callable[[], None]) -> None:
    """Make rows a few at a time, and write them as one `.npy` file that a loss of power does not take back.

    Args:
        path: of the file.
        positions: of the rows, in the order of the file.
        make: makes any of them.
        mapped: what they are made of; it is let go of now and then.
        check: called between two blocks; what it raises passes through.

    Raises:
        PreparationError: some row cannot be made.
        StorageError: the file cannot be written.

    """
    check()
    first = make(positions[:1])
    unforgotten = 0
    with storing(), _Synced(path) as file:
        _write_header(file.file, first, len(positions))
        for block in blocks(len(positions), _BLOCK // first.nbytes):
            check()
            file.write(make(positions[block]))
            unforgotten += (block.stop - block.start) * first.nbytes
            if unforgotten >= _FORGET:
                forget(mapped)
                unforgotten = 0


def _write_header(file: BinaryIO, like: Array, rows: int) -> None:
    header = np.lib.format.header_data_from_array_1_0(np.ascontiguousarray(like)) | {"shape": (rows, *like.shape[1:])}
    np.lib.format.write_array_header_1_0(file, header)


class _Synced:
    """A new file whose bytes go to the disk while more are made."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("xb")
        self._thread = ThreadPoolExecutor(1)
        self._syncing: Future[None] | None = None
        self._unsynced = 0

    def __enter__(self) -> Self:
        return self

    def write(self, rows: Array) -> None:
        """Append rows."""
        self.file.write(np.ascontiguousarray(rows).data.cast("B"))
        self._unsynced += rows.nbytes
        if self._unsynced >= _SYNC:
            self._wait()
            self._syncing = self._thread.submit(os.fsync, self.file.fileno())
            self._unsynced = 0

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._wait()
                self.file.flush()
                os.fsync(self.file.fileno())
        finally:
            self._thread.shutdown()
            self.file.close()

    def _wait(self) -> None:
        if self._syncing is not None:
            self._syncing.result()
