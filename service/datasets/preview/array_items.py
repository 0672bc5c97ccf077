"""The first items of the arrays of an NPZ file, of bounded size."""

import math
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np

from service.datasets.inspection.invalid_file import InvalidFileError
from service.datasets.inspection.npz_file import READ_ERRORS, read_header
from service.datasets.preview.documents import MAX_COLUMNS, MAX_ROWS

_MAX_VALUES = 20
"""Maximum number of values of one item."""
_MAX_BYTES = 16 << 20
"""Maximum number of bytes that are unpacked of one array."""


def read_first_items(path: Path) -> list[dict[str, Any]]:
    """Return the `ArrayPreview` of the first arrays as JSON.

    Raises:
        InvalidFileError: the file cannot be read.

    """
    try:
        with zipfile.ZipFile(path) as archive:
            return [_preview_array(archive, member) for member in archive.infolist()[:MAX_COLUMNS]]
    except (*READ_ERRORS, OSError) as error:
        raise InvalidFileError(f"The file cannot be read as NPZ: {str(error)[:300]}") from None


def _preview_array(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> dict[str, Any]:
    with archive.open(member) as file:
        shape, is_fortran, dtype = read_header(file, member)
        preview = {"name": member.filename.removesuffix(".npy"), "type": dtype.name, "shape": list(shape)}
        if is_fortran and len(shape) > 1:
            return preview | {"items": _read_column_major_items(file, shape, dtype)}
        item_bytes = math.prod(shape[1:]) * dtype.itemsize
        number = min(shape[0], MAX_ROWS, max(1, _MAX_BYTES // item_bytes))
        items = [_read_item(file, item_bytes, dtype) for _ in range(number)]
        return preview | {"items": [item[0] for item in items] if len(shape) == 1 else items}


def _read_item(file: IO[bytes], item_bytes: int, dtype: "np.dtype[Any]") -> list[Any]:
    """Read the first values of an item, and skip the others."""
    head = file.read(min(item_bytes, _MAX_VALUES * dtype.itemsize))
    rest = item_bytes - len(head)
    if 0 < rest < _MAX_BYTES:
        file.read(rest)
    return _list_numbers(np.frombuffer(head, dtype))


def _read_column_major_items(file: IO[bytes], shape: "Any", dtype: "np.dtype[Any]") -> list[list[Any]] | None:
    """Read the first items of an array whose first axis varies fastest; None if the array is large."""
    size = math.prod(shape) * dtype.itemsize
    if size > _MAX_BYTES:
        return None
    array = np.frombuffer(file.read(size), dtype).reshape(shape, order="F")
    return [_list_numbers(item.ravel()[:_MAX_VALUES]) for item in array[:MAX_ROWS]]


def _list_numbers(values: "np.ndarray[Any, Any]") -> list[Any]:
    """Return numbers of Python. A float32 becomes the shortest number that stands for it: 0.1."""
    return [float(str(value)) for value in values] if values.dtype.kind == "f" else values.tolist()
