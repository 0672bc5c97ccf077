"""Arrays of an NPZ file, mapped into memory: where they lie in it, or, where they are packed, from a file beside."""

import struct
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

import numpy as np

from worker.preparation.arrays import Array
from worker.preparation.out_of_core.disk_writer import storing

_CHUNK = 8 << 20
_LOCAL_HEADER = struct.Struct("<26xHH")
"""Of a zip's member: it ends with the lengths of what stands between it and the member's bytes."""


def map_arrays(path: Path, names: Sequence[str], scratch: Path, check: Callable[[], None]) -> Mapping[str, Array]:
    """Arrays of an NPZ file, by name, as they are there, read-only; the file's checksums are found right.

    Args:
        path: of the file, whose arrays inspection found to be ones of numbers.
        names: of the arrays.
        scratch: a directory for what has to be unpacked.
        check: called between two pieces of a file; what it raises passes through.

    Raises:
        StorageError: there is no room to unpack to.

    """
    with zipfile.ZipFile(path) as archive:
        return {
            name: _map(archive, path, f"{name}.npy", scratch / f"{place}.npy", check)
            for place, name in enumerate(names)
        }


def _map(archive: zipfile.ZipFile, path: Path, name: str, unpacked: Path, check: Callable[[], None]) -> Array:
    member = archive.getinfo(name)
    with archive.open(member) as packed:
        if member.compress_type != zipfile.ZIP_STORED:
            _copy(packed, unpacked, check)
            return _mapped(unpacked, 0)
        while packed.read(_CHUNK):  # to its end, where the checksum is compared
            check()
    return _mapped(path, _offset(path, member))


def _copy(packed: IO[bytes], unpacked: Path, check: Callable[[], None]) -> None:
    with storing():
        file = unpacked.open("xb")
    with file:
        while chunk := packed.read(_CHUNK):
            check()
            with storing():
                file.write(chunk)
        with storing():
            file.flush()


def _offset(path: Path, member: zipfile.ZipInfo) -> int:
    """Where a member's bytes begin in the file."""
    with path.open("rb") as file:
        file.seek(member.header_offset)
        name, extra = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
        return file.tell() + name + extra


def _mapped(path: Path, offset: int) -> Array:
    """The array whose `.npy` file begins there."""
    with path.open("rb") as file:
        file.seek(offset)
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(file)
        return np.memmap(path, dtype, "r", file.tell(), shape, "F" if fortran else "C")
