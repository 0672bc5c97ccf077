"""Checkpoints as files: what a training needs to go on elsewhere, and nothing that could run on being read.

A file is: a line that names the format; the length of the header, 8 bytes, little-endian; the header, JSON; the
arrays' bytes, in the header's order, little-endian and in C order; the SHA-256 of all this, 32 bytes.
"""

import hashlib
import json
import math
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, cast
from uuid import UUID

import numpy as np

from worker.engine.snapshot import CheckpointError, Snapshot
from worker.preparation.arrays import Array

__all__ = ["CheckpointError", "read", "write"]

_FORMAT = b"stackyard checkpoint 1\n"
_LENGTH = struct.Struct("<Q")
_DIGEST = hashlib.sha256().digest_size
_CHUNK = 1 << 20
_KINDS = "biuf"
"""The dtypes that variables have, as `numpy.dtype.kind`: truth values, integers, and floats."""


class Writable(Protocol):
    """A file that is being written, such as the artifact store's."""

    def write(self, chunk: bytes, /) -> object:
        """Append `chunk`."""
        ...


def write(snapshot: Snapshot, file: Writable, *, job_id: UUID, attempt: int) -> None:
    """Write a snapshot; bringing it to the disk is the file's part.

    Args:
        snapshot: of a training.
        file: to write to.
        job_id: whose training it is. Thus no two jobs have a file in common, whatever they train.
        attempt: which wrote it.

    """
    header = _header(snapshot) | {"job": str(job_id), "attempt": attempt}
    digest = hashlib.sha256()
    for chunk in _chunks(json.dumps(header).encode(), snapshot.state):
        digest.update(chunk)
        file.write(chunk)
    file.write(digest.digest())


def read(path: Path, *, job_id: UUID) -> Snapshot:
    """Read a snapshot of a job.

    Its arrays cannot be written to, and share the memory of the file's bytes.

    Raises:
        CheckpointError: there is no such file, it is not whole, or it is another job's.

    """
    try:
        content = memoryview(path.read_bytes())
        header, rest = _opened(content)
        if header["job"] != str(job_id):
            raise CheckpointError(f"It is a checkpoint of job {header['job']}, not of {job_id}.")
        return _snapshot(header, rest)
    except (OSError, ValueError, KeyError, TypeError, struct.error) as error:
        raise CheckpointError(f"The checkpoint cannot be read: {error}") from error


def _header(snapshot: Snapshot) -> dict[str, Any]:
    arrays = [{"name": n, "dtype": _little(a).str, "shape": a.shape} for n, a in snapshot.state.items()]
    return {
        "epoch": snapshot.epoch,
        "step": snapshot.step,
        "stopped": snapshot.stopped,
        "callbacks": snapshot.callbacks,
        "trained": snapshot.trained,
        "arrays": arrays,
    }


def _chunks(header: bytes, arrays: Mapping[str, Array]) -> Iterator[bytes]:
    yield _FORMAT
    yield _LENGTH.pack(len(header))
    yield header
    for array in arrays.values():
        flat = np.ascontiguousarray(array, _little(array)).reshape(-1).view(np.uint8)
        for first in range(0, len(flat), _CHUNK):
            yield flat[first : first + _CHUNK].tobytes()


def _little(array: Array) -> np.dtype[Any]:
    return array.dtype.newbyteorder("<")


def _opened(content: memoryview) -> tuple[dict[str, Any], memoryview]:
    """The header and the arrays' bytes of a file that is found to be whole."""
    whole, digest = content[:-_DIGEST], bytes(content[-_DIGEST:])
    if bytes(whole[: len(_FORMAT)]) != _FORMAT:
        raise ValueError("it is none, or in another format")
    if hashlib.sha256(whole).digest() != digest:
        raise ValueError("its bytes are not those that were written")
    begin = len(_FORMAT) + _LENGTH.size
    (length,) = _LENGTH.unpack(whole[len(_FORMAT) : begin])
    return cast("dict[str, Any]", json.loads(bytes(whole[begin : begin + length]))), whole[begin + length :]


def _snapshot(header: dict[str, Any], rest: memoryview) -> Snapshot:
    return Snapshot(
        epoch=int(header["epoch"]),
        step=int(header["step"]),
        state=dict(_arrays(header["arrays"], rest)),
        callbacks=header["callbacks"],
        stopped=bool(header["stopped"]),
        trained=header["trained"],
    )


def _arrays(described: list[dict[str, Any]], rest: memoryview) -> Iterator[tuple[str, Array]]:
    for one in described:
        dtype, shape = np.dtype(str(one["dtype"])), tuple(int(size) for size in one["shape"])
        if dtype.kind not in _KINDS:
            raise ValueError(f"{dtype} is no dtype of a variable")
        size = dtype.itemsize * math.prod(shape)
        yield str(one["name"]), np.frombuffer(rest[:size], dtype).reshape(shape)
        rest = rest[size:]
    if rest:
        raise ValueError("it has more bytes than its header says")
