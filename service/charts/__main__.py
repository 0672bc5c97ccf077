"""`python -m service.charts --memory BYTES --seconds SECONDS --idle SECONDS`: draw what comes in, until nothing does.

Framed on standard input: four bytes of length, then JSON with `document` (Vega-Lite, its data inside), `format` (`svg`
or `png`) and `scale` (a PNG's pixels for each of the document's). Framed on standard output: a byte that says whether
it was drawn, four bytes of length, then the picture or what was wrong. The process bounds itself, so that it ends even
where the one that started it is gone.
"""

import argparse
import json
import os
import resource
import select
import signal
import struct
import sys
from typing import Any, BinaryIO

import vl_convert

_LENGTH = struct.Struct(">I")
_HEAD = struct.Struct(">?I")


def _main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m service.charts", description=__doc__)
    parser.add_argument("--memory", type=int, required=True, help="bytes that the process may have")
    parser.add_argument("--seconds", type=int, required=True, help="how long a picture may take")
    parser.add_argument("--idle", type=int, required=True, help="how long to wait for something to draw")
    asked = parser.parse_args(arguments)
    # Private writable memory, of which the engine reserves 700 MB and uses a quarter.
    resource.setrlimit(resource.RLIMIT_DATA, (asked.memory, asked.memory))
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever the engine prints goes to the log, not among the answers
    while _comes(sys.stdin.buffer, asked.idle):
        signal.alarm(asked.seconds)
        request = _receive(sys.stdin.buffer)
        if request is None:
            return
        answers.write(_answer(request))
        answers.flush()
        signal.alarm(0)


def _comes(requests: BinaryIO, seconds: float) -> bool:
    """Whether there is something to read before so many seconds are over; the end counts as something."""
    readable, _, _ = select.select([requests], [], [], seconds)
    return bool(readable)


def _receive(requests: BinaryIO) -> bytes | None:
    """The next request; None at the end, whole or not."""
    head = requests.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    length = int(_LENGTH.unpack(head)[0])
    body = requests.read(length)
    return body if len(body) == length else None


def _answer(request: bytes) -> bytes:
    try:
        drawn, content = True, _draw(**json.loads(request))
    except ValueError as error:
        drawn, content = False, str(error).encode()
    return _HEAD.pack(drawn, len(content)) + content


def _draw(document: dict[str, Any], format: str, scale: float) -> bytes:  # noqa: A002  # as the request says it
    """The picture, for which no address and no file is read, whatever the document says.

    Raises:
        ValueError: it cannot be drawn.

    """
    svg = vl_convert.vegalite_to_svg(document, allowed_base_urls=[])
    if "<image" in svg:
        raise ValueError("expected no images, which would be fetched from where they are")
    return svg.encode() if format == "svg" else vl_convert.svg_to_png(svg, scale=scale)


if __name__ == "__main__":
    _main(sys.argv[1:])
