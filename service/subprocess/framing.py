"""What goes over the pipes to a kept process and back: parts of bytes, each after its length.

A frame is a byte that counts its parts, and for each part four bytes of length and then the part itself.
"""

import select
import signal
import struct
from collections.abc import Callable, Sequence
from typing import BinaryIO

_COUNT = struct.Struct(">B")
_LENGTH = struct.Struct(">I")


def send(pipe: BinaryIO, parts: Sequence[bytes]) -> None:
    """Write a frame."""
    pipe.write(_COUNT.pack(len(parts)))
    for part in parts:
        pipe.write(_LENGTH.pack(len(part)))
        pipe.write(part)
    pipe.flush()


def receive(pipe: BinaryIO) -> list[bytes]:
    """Read a frame and return its parts.

    Raises:
        EOFError: there is none, or not the whole of it.

    """
    (count,) = _COUNT.unpack(_read(pipe, _COUNT.size))
    return [_read(pipe, *_LENGTH.unpack(_read(pipe, _LENGTH.size))) for _ in range(count)]


def serve(
    requests: BinaryIO, answers: BinaryIO, answer: Callable[[list[bytes]], Sequence[bytes]], seconds: int, idle: float
) -> None:
    """Answer every frame with another, until there are no more or none comes for a while.

    Args:
        requests: where frames come from.
        answers: where the frames that answer them go.
        answer: makes the parts of one out of the parts of the other.
        seconds: for one of them; a longer one ends the process.
        idle: seconds to wait for the next.

    """
    while _comes(requests, idle):
        signal.alarm(seconds)
        try:
            request = receive(requests)
        except EOFError:
            return
        send(answers, answer(request))
        signal.alarm(0)


def _read(pipe: BinaryIO, length: int) -> bytes:
    content = pipe.read(length)
    if len(content) < length:
        raise EOFError
    return content


def _comes(requests: BinaryIO, seconds: float) -> bool:
    """Whether there is something to read before so many seconds are over; the end counts as something."""
    readable, _, _ = select.select([requests], [], [], seconds)
    return bool(readable)
