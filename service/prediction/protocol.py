"""What goes over the pipes between the one that asks for predictions and the process that makes them.

A request's frame (`service.subprocess.framing`) is the `Request` as JSON, and the rows as they came; an answer's is the `Kind`'s
byte, and the content.
"""

from collections.abc import Sequence
from enum import Enum
from typing import Any, NamedTuple, Self

from pydantic import BaseModel, ConfigDict


class StoredFile(BaseModel):
    """A file of the artifact store."""

    model_config = ConfigDict(frozen=True)

    path: str
    sha256: str


class Request(BaseModel):
    """What goes before the rows: the trained job, the rows' media type, the answer's, and how many rows may come.

    `spec` is a `stackyard.spec.JobSpec`, which is read only where its network has to be built.
    """

    model_config = ConfigDict(frozen=True)

    spec: dict[str, Any]
    model: StoredFile
    preprocessing: StoredFile
    media_type: str
    accept: str
    max_rows: int


class Kind(Enum):
    """What an answer's content is."""

    PREDICTIONS = b"p"
    """What was asked for, in the media type that was asked for."""
    REFUSAL = b"r"
    """A JSON array of what is wrong with the rows."""
    INABILITY = b"i"
    """A sentence: why the job can predict no rows."""
    DAMAGE = b"d"
    """A sentence: which of the job's files is not what it was."""


class Answer(NamedTuple):
    """What comes back."""

    kind: Kind
    content: bytes

    @classmethod
    def read(cls, parts: Sequence[bytes]) -> Self:
        """Read an answer out of its frame's parts."""
        kind, content = parts
        return cls(Kind(kind), content)

    def parts(self) -> tuple[bytes, bytes]:
        """Return the parts of its frame."""
        return self.kind.value, self.content
