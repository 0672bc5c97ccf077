"""What goes over the pipes between the one that asks for predictions and the process that makes them."""

import struct
from enum import Enum
from typing import Any, BinaryIO, NamedTuple

from pydantic import BaseModel, ConfigDict

_REQUEST = struct.Struct(">II")
_ANSWER = struct.Struct(">cI")


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


def send_request(requests: BinaryIO, request: Request, rows: bytes) -> None:
    """Write a frame: two lengths, four bytes each, then the request as JSON, then the rows as they came."""
    content = request.model_dump_json().encode()
    requests.write(_REQUEST.pack(len(content), len(rows)) + content)
    requests.write(rows)
    requests.flush()


def receive_request(requests: BinaryIO) -> tuple[Request, bytes] | None:
    """Read a frame; None at the end, whole or not."""
    head = requests.read(_REQUEST.size)
    if len(head) < _REQUEST.size:
        return None
    first, second = _REQUEST.unpack(head)
    content, rows = requests.read(first), requests.read(second)
    return (Request.model_validate_json(content), rows) if len(rows) == second else None


def send_answer(answers: BinaryIO, answer: Answer) -> None:
    """Write a frame: a byte for the kind, four bytes of length, then the content."""
    answers.write(_ANSWER.pack(answer.kind.value, len(answer.content)) + answer.content)
    answers.flush()


def receive_answer(answers: BinaryIO) -> Answer:
    """Read a frame.

    Raises:
        EOFError: there is none, or not the whole of it.

    """
    head = answers.read(_ANSWER.size)
    if len(head) < _ANSWER.size:
        raise EOFError
    kind, length = _ANSWER.unpack(head)
    content = answers.read(length)
    if len(content) < length:
        raise EOFError
    return Answer(Kind(kind), content)
