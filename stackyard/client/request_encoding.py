"""The encoding of requests: routes, JSON documents and uploaded files."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO
from urllib.parse import quote

from pydantic import BaseModel

if TYPE_CHECKING:
    from stackyard.spec import JobSpec  # slow to import, and most programs send plain documents

CHUNK_BYTES = 2**20

_MEDIA_TYPES = {
    ".csv": "text/csv",
    ".parquet": "application/vnd.apache.parquet",
    ".npz": "application/x-npz",
}


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
    """Encode a document as JSON, without NaN and infinities."""
    if isinstance(document, BaseModel):
        return document.model_dump_json(by_alias=True, exclude_unset=True)
    return json.dumps(document, allow_nan=False)


def iterate_chunks(file: BinaryIO) -> Iterator[bytes]:
    """Yield the bytes of a file in chunks."""
    while chunk := file.read(CHUNK_BYTES):
        yield chunk


def infer_media_type(path: Path) -> str:
    """Return the media type that the suffix of a dataset's file stands for.

    Raises:
        ValueError: the suffix is not one of a dataset.

    """
    try:
        return _MEDIA_TYPES[path.suffix.lower()]
    except KeyError:
        suffixes = ", ".join(_MEDIA_TYPES)
        raise ValueError(
            f"The suffix of {path.name or 'this file'} is not one of {suffixes}; give media_type."
        ) from None


def _quote_segment(text: str) -> str:
    """Quote an id as one segment of a path, whatever characters it contains."""
    return quote(text, safe="")
