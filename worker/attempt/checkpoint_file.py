"""Checkpoint files: the state from which another process continues a training. Reading one runs no code.

A file consists of:

- a line that names the format;
- the length of the header: 8 bytes, little-endian;
- the header, as JSON;
- the bytes of the arrays in the header's order, little-endian and in C order;
- the SHA-256 of everything before: 32 bytes.
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

__all__ = ["CheckpointError", "read_checkpoint", "write_checkpoint"]

_FORMAT_LINE = b"stackyard checkpoint 1\n"
_HEADER_LENGTH = struct.Struct("<Q")
_DIGEST_SIZE = hashlib.sha256().digest_size
_CHUNK_SIZE = 1 << 20
_DTYPE_KINDS = "biuf"
"""The dtypes that variables have, as `numpy.dtype.kind`: booleans, integers, and floats."""


class Writable(Protocol):
    """A file that is being written, such as the artifact store's."""

    def write(self, chunk: bytes, /) -> object:
        """Append `chunk`."""
        ...


def write_checkpoint(snapshot: Snapshot, file: Writable, *, job_id: UUID, attempt: int) -> None:
    """Write a snapshot to a file; the caller flushes it to the disk.

    Args:
        snapshot: the state of a training.
        file: the file to write to.
        job_id: the job of the training. It makes the files of two jobs differ, even if their states are equal.
        attempt: the number of the attempt that writes.

    """
    header = _build_header(snapshot) | {"job": str(job_id), "attempt": attempt}
    digest = hashlib.sha256()
    for chunk in _split_into_chunks(json.dumps(header).encode(), snapshot.state):
        digest.update(chunk)
        file.write(chunk)
    file.write(digest.digest())


def read_checkpoint(path: Path, *, job_id: UUID, continued_from: UUID | None = None) -> Snapshot:
    """Read the snapshot of a job, or of the job whose training it continues.

    Its arrays are read-only, and share the memory of the file's bytes.

    Raises:
        CheckpointError: the file is missing or damaged, or belongs to another job.

    """
    try:
        content = memoryview(path.read_bytes())
        header, array_bytes = _verify_and_split(content)
        if header["job"] not in {str(job_id), str(continued_from)}:
            raise CheckpointError(f"The checkpoint is of job {header['job']}, not of {job_id}.")
        return _parse_snapshot(header, array_bytes)
    except (OSError, ValueError, KeyError, TypeError, struct.error) as error:
        raise CheckpointError(f"The checkpoint cannot be read: {error}") from error


def _build_header(snapshot: Snapshot) -> dict[str, Any]:
    arrays = [
        {"name": name, "dtype": _to_little_endian(array).str, "shape": array.shape}
        for name, array in snapshot.state.items()
    ]
    return {
        "epoch": snapshot.epoch,
        "step": snapshot.step,
        "stopped": snapshot.stopped,
        "callbacks": snapshot.callback_state,
        "trained": snapshot.train_metrics,
        "arrays": arrays,
    }


def _split_into_chunks(header: bytes, arrays: Mapping[str, Array]) -> Iterator[bytes]:
    yield _FORMAT_LINE
    yield _HEADER_LENGTH.pack(len(header))
    yield header
    for array in arrays.values():
        flat = np.ascontiguousarray(array, _to_little_endian(array)).reshape(-1).view(np.uint8)
        for start in range(0, len(flat), _CHUNK_SIZE):
            yield flat[start : start + _CHUNK_SIZE].tobytes()


def _to_little_endian(array: Array) -> np.dtype[Any]:
    return array.dtype.newbyteorder("<")


def _verify_and_split(content: memoryview) -> tuple[dict[str, Any], memoryview]:
    """Return the header and the arrays' bytes of a file, after a check of its format and its digest."""
    body, digest = content[:-_DIGEST_SIZE], bytes(content[-_DIGEST_SIZE:])
    if bytes(body[: len(_FORMAT_LINE)]) != _FORMAT_LINE:
        raise ValueError("the file is not a checkpoint, or has another format")
    if hashlib.sha256(body).digest() != digest:
        raise ValueError("its digest does not match its content")
    header_start = len(_FORMAT_LINE) + _HEADER_LENGTH.size
    (header_length,) = _HEADER_LENGTH.unpack(body[len(_FORMAT_LINE) : header_start])
    header_end = header_start + header_length
    return cast("dict[str, Any]", json.loads(bytes(body[header_start:header_end]))), body[header_end:]


def _parse_snapshot(header: dict[str, Any], array_bytes: memoryview) -> Snapshot:
    return Snapshot(
        epoch=int(header["epoch"]),
        step=int(header["step"]),
        state=dict(_parse_arrays(header["arrays"], array_bytes)),
        callback_state=header["callbacks"],
        stopped=bool(header["stopped"]),
        train_metrics=header["trained"],
    )


def _parse_arrays(descriptions: list[dict[str, Any]], array_bytes: memoryview) -> Iterator[tuple[str, Array]]:
    remaining = array_bytes
    for description in descriptions:
        dtype, shape = np.dtype(str(description["dtype"])), tuple(int(size) for size in description["shape"])
        if dtype.kind not in _DTYPE_KINDS:
            raise ValueError(f"expected a boolean, integer or float dtype, received {dtype}")
        size = dtype.itemsize * math.prod(shape)
        yield str(description["name"]), np.frombuffer(remaining[:size], dtype).reshape(shape)
        remaining = remaining[size:]
    if remaining:
        raise ValueError("it has more bytes than its header describes")
