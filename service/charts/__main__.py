"""`python -m service.charts --memory BYTES --seconds SECONDS --idle SECONDS`: draw what comes in, until nothing does.

Requests come on standard input and answers go to standard output, framed as in `service.subprocess.framing`. A request is JSON
with `document` (Vega-Lite, its data inside), `format` (`svg` or `png`) and `scale` (a PNG's pixels for each of the
document's); an answer is the picture, empty where there is none, and then what was wrong. The process bounds itself,
so that it ends even where the one that started it is gone.
"""

import argparse
import json
import os
import resource
import sys
from typing import Any

import vl_convert

from service.subprocess import framing


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
    framing.serve(sys.stdin.buffer, answers, _answer, asked.seconds, asked.idle)


def _answer(request: list[bytes]) -> list[bytes]:
    (content,) = request
    try:
        return [_draw(**json.loads(content)), b""]
    except ValueError as error:
        return [b"", str(error).encode()]


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
