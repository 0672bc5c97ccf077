"""Protocol of the pipes to a persistent process: frames of length-prefixed parts.

A frame is one byte with the number of parts, followed by each part as four bytes of length and its content.
"""

import select
import signal
import struct
from collections.abc import Callable, Sequence
from typing import BinaryIO

_COUNT = struct.Struct(">B")
_LENGTH = struct.Struct(">I")


def send_frame(pipe: BinaryIO, parts: Sequence[bytes]) -> None:
    """Write a frame."""
    pipe.write(_COUNT.pack(len(parts)))
    for part in parts:
        pipe.write(_LENGTH.pack(len(part)))
        pipe.write(part)
    pipe.flush()


def receive_frame(pipe: BinaryIO) -> list[bytes]:
    """Read a frame and return its parts.

    Raises:
        EOFError: the pipe ends before or within the frame.

    """
    (count,) = _COUNT.unpack(_read_exactly(pipe, _COUNT.size))
    return [_read_exactly(pipe, *_LENGTH.unpack(_read_exactly(pipe, _LENGTH.size))) for _ in range(count)]


def serve_requests(
    requests: BinaryIO,
    responses: BinaryIO,
    handle_request: Callable[[list[bytes]], Sequence[bytes]],
    timeout_s: int,
    idle_timeout_s: float,
) -> None:
    """Answer each request with a response, until the requests end or none arrives for some time.

    Args:
        requests: pipe to read request frames from.
        responses: pipe to write response frames to.
        handle_request: returns the parts of the response to the parts of a request.
        timeout_s: maximum time of one request; a longer one ends the process with SIGALRM.
        idle_timeout_s: seconds to wait for the next request.

    """
    while _wait_readable(requests, idle_timeout_s):
        signal.alarm(timeout_s)
        try:
            request = receive_frame(requests)
        except EOFError:
            return
        send_frame(responses, handle_request(request))
        signal.alarm(0)


def _read_exactly(pipe: BinaryIO, length: int) -> bytes:
    content = pipe.read(length)
    if len(content) < length:
        raise EOFError
    return content


def _wait_readable(pipe: BinaryIO, timeout_s: float) -> bool:
    """Return whether the pipe has data, or has ended, before the timeout."""
    readable, _, _ = select.select([pipe], [], [], timeout_s)
    return bool(readable)
