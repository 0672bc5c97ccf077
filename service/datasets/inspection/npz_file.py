"""What an NPZ file holds. Nothing is unpacked before it is known how much it claims to be, and no pickle ever."""

import tokenize
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from service.datasets.inspection.invalid_file import Refused, check_names, quote
from stackyard.spec.data.description import MAX_CATEGORIES

_SLICE_BYTES = 8 << 20
_SUFFIX = ".npy"
_READABLE = "biuf"
"""NumPy's kinds of booleans, integers, unsigned integers and floats."""
_WIDEST = 8
_DEEPEST = 32
_ENCRYPTED = 0x1
_UNREADABLE = (
    zipfile.BadZipFile,
    zlib.error,
    tokenize.TokenError,  # NumPy reads a header as the Python that it is, without running it
    EOFError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)
_PACKINGS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""What NumPy writes; neither unpacks to more than 1,032 times its size."""


def describe(path: Path, memory: int) -> dict[str, Any]:
    """A `stackyard.spec` ArraysDescription, as JSON; the arrays may take up no more than `memory` bytes in all.

    Raises:
        Refused: the file is not a zip of `.npy` files of numbers or booleans, or has values that are not finite.

    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = _members(archive, path.stat().st_size, memory)
            return {"kind": "arrays", "arrays": [_array(archive, member) for member in members]}
    except (zipfile.BadZipFile, RuntimeError, ValueError, OSError) as error:
        raise Refused(f"The file cannot be read as NPZ: {str(error)[:300]}") from None


def _members(archive: zipfile.ZipFile, size: int, memory: int) -> Sequence[zipfile.ZipInfo]:
    """The arrays' places in the file, once the sizes that they claim are known to be bearable."""
    members = archive.infolist()
    if not members:
        raise Refused("The file has no arrays.")
    for member in members:
        if not member.filename.endswith(_SUFFIX) or "/" in member.filename:
            raise Refused(
                f"The file has a member {quote(member.filename)}; expected arrays alone, as `numpy.savez` writes."
            )
        if member.flag_bits & _ENCRYPTED or member.compress_type not in _PACKINGS:
            raise Refused(f"Array {quote(_name(member))} is encrypted, or packed in a way that NumPy does not use.")
    check_names([_name(member) for member in members], "array")
    unpacked = sum(member.file_size for member in members)
    if unpacked > memory:
        raise Refused(f"The arrays take up {unpacked:,} bytes when unpacked; at most {memory:,} can be read.")
    if sum(member.compress_size for member in members) > size:
        raise Refused("The file's members claim more bytes than the file has.")
    return members


def _name(member: zipfile.ZipInfo) -> str:
    return member.filename.removesuffix(_SUFFIX)


def _array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> dict[str, Any]:
    name = _name(member)
    try:
        with archive.open(member) as file:
            shape, dtype = _header(file, member)
            findings = _Findings(dtype, listing=len(shape) == 1 and dtype.kind in "iu")
            for values in _slices(file, dtype, member.file_size - file.tell()):
                findings.see(values)
            return {"name": name, "type": dtype.name, "shape": list(shape)} | findings.described()
    except _UNREADABLE as error:
        raise Refused(f"Array {quote(name)} cannot be read: {str(error)[:300]}") from None
    except Refused as refusal:
        raise Refused(f"Array {quote(name)} {refusal}") from None


def _header(file: IO[bytes], member: zipfile.ZipInfo) -> tuple[Sequence[int], "np.dtype[Any]"]:
    """Shape and type, held against each other and against the number of bytes that there are."""
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, _, dtype = np.lib.format.read_array_header_1_0(file)
    elif version == (2, 0):
        shape, _, dtype = np.lib.format.read_array_header_2_0(file)
    else:
        raise Refused("is of a type that has named fields; only numbers and booleans can be read.")
    if dtype.kind not in _READABLE or dtype.itemsize > _WIDEST or dtype.subdtype is not None:
        raise Refused(f"is of type {str(dtype)[:100]}; only numbers of at most 64 bits and booleans can be read.")
    if not shape or len(shape) > _DEEPEST or any(length < 1 for length in shape):
        raise Refused(f"has the shape {shape}; expected 1 to {_DEEPEST} dimensions, none of them empty.")
    elements = 1
    for length in shape:
        elements *= length
    found = member.file_size - file.tell()
    if elements * dtype.itemsize != found:
        raise Refused(f"has {found:,} bytes of values; its shape and type need {elements * dtype.itemsize:,}.")
    return shape, dtype


def _slices(file: IO[bytes], dtype: "np.dtype[Any]", size: int) -> "Iterator[np.ndarray[Any, Any]]":
    """The values in the order in which they lie in the file, a few at a time."""
    while size:
        data = file.read(min(size, _SLICE_BYTES))
        if not data:
            raise EOFError("it ends early")
        while len(data) % dtype.itemsize:
            rest = file.read(dtype.itemsize - len(data) % dtype.itemsize)
            if not rest:
                raise EOFError("it ends early")
            data += rest
        size -= len(data)
        yield np.frombuffer(data, dtype)
    if file.read(1):  # which also makes the zip reader compare its checksum
        raise ValueError("it has more bytes than its shape and type need")


class _Findings:
    """One array so far."""

    def __init__(self, dtype: "np.dtype[Any]", *, listing: bool) -> None:
        self._numbers = dtype.kind != "b"
        self._listing = listing
        self._categories: set[int] = set()
        self._minimum = float("inf")
        self._maximum = float("-inf")

    def see(self, values: "np.ndarray[Any, Any]") -> None:
        """Take in the next values.

        Raises:
            Refused: some are not finite.

        """
        if not self._numbers:
            return
        low, high = float(values.min()), float(values.max())
        if not (np.isfinite(low) and np.isfinite(high)):
            raise Refused("has values that are not finite numbers (NaN or infinity).")
        self._minimum, self._maximum = min(self._minimum, low), max(self._maximum, high)
        if self._listing:
            self._categories.update(np.unique(values)[: MAX_CATEGORIES + 1].tolist())
            self._listing = len(self._categories) <= MAX_CATEGORIES

    def described(self) -> dict[str, Any]:
        """What an ArrayDescription has beside name, type and shape."""
        return {
            "categories": sorted(self._categories) if self._listing else None,
            "minimum": self._minimum if self._numbers else None,
            "maximum": self._maximum if self._numbers else None,
        }
