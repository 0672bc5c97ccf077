"""Map arrays of an NPZ file into memory: stored arrays in place, compressed ones from an extracted copy."""

import struct
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

import numpy as np

from worker.preparation.arrays import Array
from worker.preparation.out_of_core.disk_writer import translate_write_errors

_CHUNK = 8 << 20
_LOCAL_HEADER = struct.Struct("<26xHH")
"""Local file header of a ZIP member; it ends with the lengths of the name and the extra field before the data."""


def map_arrays(path: Path, names: Sequence[str], scratch: Path, check: Callable[[], None]) -> Mapping[str, Array]:
    """Map arrays of an NPZ file, by name, unchanged and read-only. The file's checksums are verified.

    Args:
        path: of the file, whose arrays are numeric by inspection.
        names: of the arrays.
        scratch: directory for extracted arrays.
        check: called between chunks of a file; exceptions that it raises are passed on.

    Raises:
        StorageError: the disk has no room for the extracted arrays.

    """
    with zipfile.ZipFile(path) as archive:
        return {
            name: _map_member(archive, path, f"{name}.npy", scratch / f"{index}.npy", check)
            for index, name in enumerate(names)
        }


def _map_member(archive: zipfile.ZipFile, path: Path, name: str, extracted: Path, check: Callable[[], None]) -> Array:
    member = archive.getinfo(name)
    with archive.open(member) as content:
        if member.compress_type != zipfile.ZIP_STORED:
            _extract_member(content, extracted, check)
            return _map_npy(extracted, 0)
        while content.read(_CHUNK):  # to the end, where zipfile compares the checksum
            check()
    return _map_npy(path, _find_data_offset(path, member))


def _extract_member(content: IO[bytes], extracted: Path, check: Callable[[], None]) -> None:
    with translate_write_errors():
        file = extracted.open("xb")
    with file:
        while chunk := content.read(_CHUNK):
            check()
            with translate_write_errors():
                file.write(chunk)
        with translate_write_errors():
            file.flush()


def _find_data_offset(path: Path, member: zipfile.ZipInfo) -> int:
    with path.open("rb") as file:
        file.seek(member.header_offset)
        name_length, extra_length = _LOCAL_HEADER.unpack(file.read(_LOCAL_HEADER.size))
        return file.tell() + name_length + extra_length


def _map_npy(path: Path, offset: int) -> Array:
    """Map the array whose `.npy` header begins at `offset`."""
    with path.open("rb") as file:
        file.seek(offset)
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(file)
        return np.memmap(path, dtype, "r", file.tell(), shape, "F" if fortran else "C")
