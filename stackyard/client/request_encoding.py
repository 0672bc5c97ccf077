"""The encoding of requests: routes, JSON documents and uploaded files."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, TypedDict
from urllib.parse import quote

from pydantic import BaseModel

from stackyard.client.notebook_values import convert_value

if TYPE_CHECKING:
    from stackyard.spec import JobSpec  # slow to import, and most programs send plain documents

CHUNK_BYTES = 2**20

_MEDIA_TYPES = {
    ".csv": "text/csv",
    ".csv.gz": "text/csv",
    ".tsv": "text/tab-separated-values",
    ".tsv.gz": "text/tab-separated-values",
    ".parquet": "application/vnd.apache.parquet",
    ".npz": "application/x-npz",
}
_EXCEL_SUFFIXES = frozenset({".xls", ".xlsx", ".xlsm", ".ods"})


class CsvOptions(TypedDict, total=False):
    """The format of a CSV file.

    `delimiter` is `,`, `;`, `|` or a tab, and `decimal` a point or a comma. Without `header`, the first line is a row.
    `missing_values` are further words for a missing value. Without `default_missing_values`, those of pandas, such as
    `NA` and `None`, are values. `dates` are columns of ISO 8601 dates or times.
    """

    delimiter: str
    decimal: str
    header: bool
    missing_values: list[str]
    default_missing_values: bool
    dates: list[str]


def build_job_route(job_id: str) -> str:
    """Return the route of a job."""
    return f"/v1/jobs/{_quote_segment(job_id)}"


def build_dataset_route(dataset_id: str) -> str:
    """Return the route of a version of a dataset."""
    return f"/v1/datasets/{_quote_segment(dataset_id)}"


def build_worker_route(worker_id: str) -> str:
    """Return the route of a worker."""
    return f"/v1/workers/{_quote_segment(worker_id)}"


def encode_document(document: "Mapping[str, Any] | JobSpec") -> str:
    """Encode a document as JSON. Scalars and arrays of NumPy become numbers and lists.

    Raises:
        ValueError: a number is NaN or infinite.
        TypeError: a value has no JSON form.

    """
    if isinstance(document, BaseModel):
        return document.model_dump_json(by_alias=True, exclude_unset=True)
    return json.dumps(document, allow_nan=False, default=convert_value)


def iterate_chunks(file: BinaryIO) -> Iterator[bytes]:
    """Yield the bytes of a file in chunks."""
    while chunk := file.read(CHUNK_BYTES):
        yield chunk


def infer_media_type(path: Path) -> str:
    """Return the media type that the suffix of a dataset's file stands for.

    Raises:
        ValueError: the suffix is not one of a dataset.

    """
    for suffix, media_type in _MEDIA_TYPES.items():
        if path.name.lower().endswith(suffix):
            return media_type
    fix = "save the sheet as CSV" if path.suffix.lower() in _EXCEL_SUFFIXES else "give media_type"
    raise ValueError(f"The suffix of {path.name or 'this file'} is not one of {', '.join(_MEDIA_TYPES)}; {fix}.")


def _quote_segment(text: str) -> str:
    """Quote an id as one segment of a path, whatever characters it contains."""
    return quote(text, safe="")
