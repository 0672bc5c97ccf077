"""Description of NPZ files. Declared sizes are checked before anything is unpacked, and pickles are never loaded."""

import tokenize
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np

from service.datasets.inspection import value_summary
from service.datasets.inspection.column_statistics import describe_rarest_category
from service.datasets.inspection.invalid_file import InvalidFileError, check_names, quote_text
from service.datasets.inspection.value_sample import ColumnSample, ValueSample
from service.datasets.inspection.value_summary import limit_statistics
from stackyard.spec.data.description import MAX_CATEGORIES, MAX_EXACT_FLOAT

_CHUNK_BYTES = 8 << 20
_SUFFIX = ".npy"
_READABLE_KINDS = "biuf"
"""NumPy's kinds of booleans, integers, unsigned integers and floats."""
_MAX_ITEM_BYTES = 8
_MAX_DIMENSIONS = 32
_ENCRYPTED_FLAG = 0x1
READ_ERRORS = (
    zipfile.BadZipFile,
    zlib.error,
    tokenize.TokenError,  # NumPy parses a header as a Python literal, without executing it
    EOFError,
    RuntimeError,
    SyntaxError,
    TypeError,
    ValueError,
)
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Compressions that NumPy writes; neither unpacks to more than 1,032 times its size."""


def describe_npz(path: Path, memory: int, statistics: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return a `stackyard.spec` ArraysDescription of an NPZ file as JSON.

    Args:
        path: the file.
        memory: maximum size in bytes of all unpacked arrays together.
        statistics: receives a `service.datasets.dataset_statistics` DatasetStatistics as JSON, if it is not None.

    Raises:
        InvalidFileError: the file is not a zip of `.npy` files of numbers or booleans, or has non-finite values.

    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = _check_members(archive, path.stat().st_size, memory)
            described = [_describe_array(archive, member, len(members)) for member in members]
            if statistics is not None:
                statistics["arrays"] = limit_statistics([item for _, item in described])
            return {"kind": "arrays", "arrays": [description for description, _ in described]}
    except (zipfile.BadZipFile, RuntimeError, ValueError, OSError) as error:
        raise InvalidFileError(f"The file cannot be read as NPZ: {str(error)[:300]}") from None


def _check_members(archive: zipfile.ZipFile, size: int, memory: int) -> Sequence[zipfile.ZipInfo]:
    """Return the members of the archive after a check of their names, types and declared sizes."""
    members = archive.infolist()
    if not members:
        raise InvalidFileError("The file has no arrays.")
    for member in members:
        if not member.filename.endswith(_SUFFIX) or "/" in member.filename:
            raise InvalidFileError(
                f"The file has a member {quote_text(member.filename)}; expected only arrays, as from `numpy.savez`."
            )
        if member.flag_bits & _ENCRYPTED_FLAG or member.compress_type not in _COMPRESSIONS:
            raise InvalidFileError(
                f"Array {quote_text(_get_name(member))} is encrypted, or has a compression that NumPy cannot read."
            )
    check_names([_get_name(member) for member in members], "array")
    unpacked = sum(member.file_size for member in members)
    if unpacked > memory:
        raise InvalidFileError(f"The arrays take up {unpacked:,} bytes when unpacked; at most {memory:,} can be read.")
    if sum(member.compress_size for member in members) > size:
        raise InvalidFileError("The file's members declare more bytes than the file has.")
    return members


def _get_name(member: zipfile.ZipInfo) -> str:
    return member.filename.removesuffix(_SUFFIX)


def _describe_array(
    archive: zipfile.ZipFile, member: zipfile.ZipInfo, number_of_arrays: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the description and the statistics of an array."""
    name = _get_name(member)
    try:
        with archive.open(member) as file:
            shape, _, dtype = read_header(file, member)
            sample = ColumnSample(number_of_arrays).numbers
            statistics = _ArrayStatistics(dtype, sample, list_categories=len(shape) == 1 and dtype.kind in "iuf")
            for values in _read_chunks(file, dtype, member.file_size - file.tell()):
                statistics.add_chunk(values)
            description = {"name": name, "type": dtype.name, "shape": list(shape)} | statistics.to_description()
            return description, {"name": name} | statistics.to_statistics()
    except READ_ERRORS as error:
        raise InvalidFileError(f"Array {quote_text(name)} cannot be read: {str(error)[:300]}") from None
    except InvalidFileError as error:
        raise InvalidFileError(f"Array {quote_text(name)} {error}") from None


def read_header(file: IO[bytes], member: zipfile.ZipInfo) -> tuple[Sequence[int], bool, "np.dtype[Any]"]:
    """Return an array's shape, whether its first axis varies fastest, and its type.

    Raises:
        InvalidFileError: the array cannot be read, or the member has not exactly the bytes that shape and type need.

    """
    version = np.lib.format.read_magic(file)
    if version == (1, 0):
        shape, is_fortran, dtype = np.lib.format.read_array_header_1_0(file)
    elif version == (2, 0):
        shape, is_fortran, dtype = np.lib.format.read_array_header_2_0(file)
    else:
        raise InvalidFileError("is of a type that has named fields; only numbers and booleans can be read.")
    if dtype.kind not in _READABLE_KINDS or dtype.itemsize > _MAX_ITEM_BYTES or dtype.subdtype is not None:
        raise InvalidFileError(
            f"is of type {str(dtype)[:100]}; only numbers of at most 64 bits and booleans can be read."
        )
    if not shape or len(shape) > _MAX_DIMENSIONS or any(length < 1 for length in shape):
        raise InvalidFileError(
            f"has the shape {shape}; expected 1 to {_MAX_DIMENSIONS} dimensions, none of them empty."
        )
    elements = 1
    for length in shape:
        elements *= length
    size = member.file_size - file.tell()
    if elements * dtype.itemsize != size:
        raise InvalidFileError(f"has {size:,} bytes of values; its shape and type need {elements * dtype.itemsize:,}.")
    return shape, is_fortran, dtype


def _read_chunks(file: IO[bytes], dtype: "np.dtype[Any]", size: int) -> "Iterator[np.ndarray[Any, Any]]":
    """Iterate over the values in the order of the file, in chunks of bounded size."""
    while size:
        data = file.read(min(size, _CHUNK_BYTES))
        if not data:
            raise EOFError("it ends early")
        while len(data) % dtype.itemsize:
            rest = file.read(dtype.itemsize - len(data) % dtype.itemsize)
            if not rest:
                raise EOFError("it ends early")
            data += rest
        size -= len(data)
        yield np.frombuffer(data, dtype)
    if file.read(1):  # which also makes the zip reader verify its checksum
        raise ValueError("it has more bytes than its shape and type need")


class _ArrayStatistics:
    """Statistics of the chunks of an array so far."""

    def __init__(self, dtype: "np.dtype[Any]", sample: ValueSample, *, list_categories: bool) -> None:
        self._is_numeric = dtype.kind != "b"
        self._are_integers = dtype.kind in "iu"
        self._sample = sample
        self._true_values = 0
        self._list_categories = list_categories
        self._categories: Counter[int] = Counter()
        self._minimum = float("inf")
        self._maximum = float("-inf")

    def add_chunk(self, values: "np.ndarray[Any, Any]") -> None:
        """Add the next values.

        Raises:
            InvalidFileError: a value is not finite.

        """
        self._sample.add_block(values)
        if not self._is_numeric:
            self._true_values += int(values.sum())
            return
        low, high = float(values.min()), float(values.max())
        if not (np.isfinite(low) and np.isfinite(high)):
            raise InvalidFileError("has values that are not finite numbers (NaN or infinity).")
        self._minimum, self._maximum = min(self._minimum, low), max(self._maximum, high)
        if self._list_categories and values.dtype.kind == "f":
            is_exact = max(abs(low), abs(high)) < MAX_EXACT_FLOAT
            self._list_categories = is_exact and bool((values == np.trunc(values)).all())
        if self._list_categories:
            distinct, counts = (numbers[: MAX_CATEGORIES + 1] for numbers in np.unique(values, return_counts=True))
            self._categories.update(dict(zip(map(int, distinct), counts.tolist(), strict=True)))
            self._list_categories = len(self._categories) <= MAX_CATEGORIES

    def to_statistics(self) -> dict[str, Any]:
        """Return the fields of a ValueStatistics except the name."""
        count = self._sample.count
        if not self._is_numeric:
            values = {True: self._true_values, False: count - self._true_values}
            present = {value: number for value, number in values.items() if number}
            return {"count": count} | value_summary.summarize_counts(present)
        if self._list_categories:
            return {"count": count} | value_summary.summarize_counts(self._categories)
        sampled = None if self._sample.is_complete else len(self._sample.values)
        return {"count": count, "sampled": sampled} | value_summary.summarize_numbers(
            self._sample.values, self._minimum, self._maximum, are_integers=self._are_integers
        )

    def to_description(self) -> dict[str, Any]:
        """Return the fields of an ArrayDescription except name, type and shape."""
        return {
            "categories": sorted(self._categories) if self._list_categories else None,
            **describe_rarest_category(self._categories if self._list_categories else {}),
            "minimum": self._minimum if self._is_numeric else None,
            "maximum": self._maximum if self._is_numeric else None,
        }
