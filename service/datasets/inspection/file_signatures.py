"""Recognize files of other types by their first bytes, so that a refusal can say what the file is."""

import re
import zipfile
from dataclasses import dataclass
from pathlib import Path

from service.datasets.dataset_source import CSV, NPZ, PARQUET
from service.datasets.inspection.invalid_file import InvalidFileError

_TYPE_NAMES = {CSV: "CSV", PARQUET: "Parquet", NPZ: "NPZ"}
_HEAD_BYTES = 512
_MIN_NUL_SHARE = 0.4
_EXCEL_FIX = "save the sheet as “CSV UTF-8”, or use `pandas.read_excel(file).to_csv(name, index=False)`"
_UTF16_FIX = "save it as UTF-8, or use `iconv -f UTF-16 -t UTF-8`"
_DECOMPRESS_FIX = "decompress it first; only a CSV file may be compressed, with gzip"


@dataclass(frozen=True)
class _Signature:
    name: str
    """What the file is, as the end of a sentence."""
    fix: str = ""
    media_type: str | None = None
    """The media type, if files of the type can be datasets."""


_PARQUET = _Signature("a Parquet file", "upload it as .parquet", PARQUET)
_NPZ = _Signature("an NPZ file", "upload it as .npz", NPZ)
_EXCEL = _Signature("an Excel workbook (.xlsx)", _EXCEL_FIX)
_ZIP = _Signature("a zip archive", "unpack it, and upload the file that is in it")
_UTF16 = _Signature("text in UTF-16", _UTF16_FIX)
_GZIP = _Signature("compressed with gzip", _DECOMPRESS_FIX)

_PREFIXES: tuple[tuple[bytes, _Signature], ...] = (
    (b"PAR1\x15", _PARQUET),
    (
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        _Signature("a workbook or document of old Microsoft Office (.xls)", _EXCEL_FIX),
    ),
    (b"\xff\xfe\x00\x00", _Signature("text in UTF-32", "save it as UTF-8")),
    (b"\x00\x00\xfe\xff", _Signature("text in UTF-32", "save it as UTF-8")),
    (b"\xff\xfe", _UTF16),
    (b"\xfe\xff", _UTF16),
    (b"\x1f\x8b", _GZIP),
    (b"BZh91AY&SY", _Signature("compressed with bzip2", _DECOMPRESS_FIX)),
    (b"\xfd7zXZ\x00", _Signature("compressed with xz", _DECOMPRESS_FIX)),
    (b"\x28\xb5\x2f\xfd", _Signature("compressed with Zstandard", _DECOMPRESS_FIX)),
    (b"7z\xbc\xaf\x27\x1c", _Signature("a 7z archive", _ZIP.fix)),
    (b"\x89HDF\r\n\x1a\n", _Signature("an HDF5 file", "write the table as CSV or Parquet")),
    (b"\x93NUMPY", _Signature("a single NumPy array (.npy)", "write it with `numpy.savez(name, x=…, y=…)`")),
    (b"ARROW1\x00\x00", _Signature("an Arrow or Feather file", "use `pandas.read_feather(file).to_parquet(name)`")),
    (b"SQLite format 3\x00", _Signature("an SQLite database", "export the table as CSV")),
    (b"%PDF-", _Signature("a PDF document", "upload the table as CSV")),
    (b"\x89PNG", _Signature("a picture", "put pictures into an array of an NPZ file")),
    (b"\xff\xd8\xff", _Signature("a picture", "put pictures into an array of an NPZ file")),
)
_TEXT_PATTERNS: tuple[tuple[re.Pattern[bytes], _Signature], ...] = (
    (
        re.compile(rb"\s*<(?:!doctype html|html|\?xml)", re.IGNORECASE),
        _Signature("an HTML or XML page", "download the file itself"),
    ),
    (
        re.compile(rb"\s*(?:\{\s*\"|\[\s*[\[{\"])"),
        _Signature("JSON", "use `pandas.read_json(file).to_csv(name, index=False)`"),
    ),
)


def check_signature(path: Path, media_type: str) -> None:
    """Reject a file whose first bytes say that it is of another type.

    Args:
        path: the file. A CSV file may be compressed with gzip.
        media_type: the type that the client declares.

    Raises:
        InvalidFileError: the file is of another type. The message says which, and what to do.

    """
    with path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    signature = _identify_archive(path) if head.startswith(b"PK\x03\x04") else _identify_head(head)
    if (media_type == CSV and signature is _GZIP) or (media_type == NPZ and signature is _ZIP):
        return  # the reader of the file says more
    if signature is not None and signature.media_type != media_type:
        raise _build_error(signature, media_type)


def check_text_signature(head: bytes) -> None:
    """Reject the decompressed content of a CSV file whose first bytes say that it is of another type.

    Raises:
        InvalidFileError: the content is of another type.

    """
    signature = _ZIP if head.startswith(b"PK\x03\x04") else _identify_head(head[:_HEAD_BYTES])
    if signature is not None:
        raise _build_error(signature, CSV)


def _build_error(signature: _Signature, media_type: str) -> InvalidFileError:
    return InvalidFileError(f"The file is {signature.name}, not {_TYPE_NAMES[media_type]}: {signature.fix}.")


def _identify_head(head: bytes) -> _Signature | None:
    for prefix, signature in _PREFIXES:
        if head.startswith(prefix):
            return signature
    if _is_utf16(head):
        return _UTF16
    return next((signature for pattern, signature in _TEXT_PATTERNS if pattern.match(head)), None)


def _is_utf16(head: bytes) -> bool:
    """Return whether every other byte is 0 in most places, as in UTF-16 of a European language without its mark."""
    shares = [half.count(0) / max(1, len(half)) for half in (head[0::2], head[1::2])]
    return len(head) >= len("ab\n") * 2 and max(shares) >= _MIN_NUL_SHARE and min(shares) == 0


def _identify_archive(path: Path) -> _Signature | None:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return None
    if any(name.startswith("xl/") for name in names):
        return _EXCEL
    return _NPZ if names and all(name.endswith(".npy") for name in names) else _ZIP
