"""Messages between the API and the process that predicts.

A request's frame (see `service.subprocess.framing`) has two parts: a `PredictionRequest` as JSON, and the rows as
received. A response's frame has two parts: the `ResponseKind` as one byte, and the content.
"""

from collections.abc import Sequence
from enum import Enum
from typing import Any, NamedTuple, Self

from pydantic import BaseModel, ConfigDict


class StoredFile(BaseModel):
    """Path and SHA-256 of a file of the artifact store."""

    model_config = ConfigDict(frozen=True)

    path: str
    sha256: str


class PredictionRequest(BaseModel):
    """Parameters of a prediction: the job's artifacts, the media types of rows and response, and a limit on the rows.

    `spec` is a `stackyard.spec.JobSpec`, which is parsed only if the network has to be built.
    """

    model_config = ConfigDict(frozen=True)

    spec: dict[str, Any]
    model: StoredFile
    preprocessing: StoredFile
    media_type: str
    accept: str
    max_rows: int


class ResponseKind(Enum):
    """Kind of a response's content."""

    PREDICTIONS = b"p"
    """The predictions, in the requested media type."""
    INVALID_ROWS = b"r"
    """A JSON array of the faults in the rows."""
    NOT_PREDICTABLE = b"i"
    """A sentence that explains why the job cannot predict rows."""
    CORRUPT_FILE = b"d"
    """A sentence that names the corrupt file of the job."""
    FAILED = b"f"
    """The id of an unexpected error, which is in the log with its traceback."""
    OUT_OF_MEMORY = b"m"
    """Nothing: the rows need more memory than the process may use."""


class PredictionResponse(NamedTuple):
    """Response of the process."""

    kind: ResponseKind
    content: bytes

    @classmethod
    def from_frame(cls, parts: Sequence[bytes]) -> Self:
        """Parse the parts of a response's frame."""
        kind, content = parts
        return cls(ResponseKind(kind), content)

    def to_frame(self) -> tuple[bytes, bytes]:
        """Return the parts of the response's frame."""
        return self.kind.value, self.content
