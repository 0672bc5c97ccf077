"""Write prepared rows to the worker's disk."""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np

from service.storage.artifact_store import translate_disk_errors
from worker.preparation.arrays import Array, split_into_blocks
from worker.preparation.mapped_rows import release_pages
from worker.preparation.plan import BuildRows

_BLOCK_BYTES = 8 << 20
"""Bytes of prepared rows that are built at a time; their source data is several times as large."""
_BYTES_PER_RELEASE = 32 << 20
"""Bytes of prepared rows after which the mapped source files' pages are released."""
_BYTES_PER_SYNC = 128 << 20
"""Bytes after which a sync starts in the background, so that the final sync is short."""


def translate_write_errors() -> AbstractContextManager[None]:
    """Return a context that turns every OSError in its block into a StorageError, or StorageFull for a full disk."""
    return translate_disk_errors("The worker could not write prepared rows to its disk")


def write_rows(
    path: Path, positions: Array, build_rows: BuildRows, mapped: Iterable[Array], check: Callable[[], None]
) -> None:
    """Build rows in blocks, and write them as one `.npy` file that is synced to the disk.

    Args:
        path: of the file.
        positions: of the rows, in the order of the file.
        build_rows: builds the rows at some positions.
        mapped: mapped source arrays, whose pages are released from time to time.
        check: called between blocks; exceptions that it raises are passed on.

    Raises:
        PreparationError: a row cannot be built.
        StorageError: the file cannot be written.

    """
    check()
    first = build_rows(positions[:1])
    unreleased_bytes = 0
    with translate_write_errors(), _SyncedFile(path) as file:
        _write_header(file.file, first, len(positions))
        for block in split_into_blocks(len(positions), _BLOCK_BYTES // first.nbytes):
            check()
            file.write(build_rows(positions[block]))
            unreleased_bytes += (block.stop - block.start) * first.nbytes
            if unreleased_bytes >= _BYTES_PER_RELEASE:
                release_pages(mapped)
                unreleased_bytes = 0


def _write_header(file: BinaryIO, example: Array, rows: int) -> None:
    header = np.lib.format.header_data_from_array_1_0(np.ascontiguousarray(example))
    np.lib.format.write_array_header_1_0(file, header | {"shape": (rows, *example.shape[1:])})


class _SyncedFile:
    """A new file that is synced to the disk in the background while it is written."""

    def __init__(self, path: Path) -> None:
        self.file = path.open("xb")
        self._thread = ThreadPoolExecutor(1)
        self._sync: Future[None] | None = None
        self._unsynced_bytes = 0

    def __enter__(self) -> Self:
        return self

    def write(self, rows: Array) -> None:
        """Append rows."""
        self.file.write(np.ascontiguousarray(rows).data.cast("B"))
        self._unsynced_bytes += rows.nbytes
        if self._unsynced_bytes >= _BYTES_PER_SYNC:
            self._wait_for_sync()
            self._sync = self._thread.submit(os.fsync, self.file.fileno())
            self._unsynced_bytes = 0

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            if kind is None:
                self._wait_for_sync()
                self.file.flush()
                os.fsync(self.file.fileno())
        finally:
            self._thread.shutdown()
            self.file.close()

    def _wait_for_sync(self) -> None:
        if self._sync is not None:
            self._sync.result()
