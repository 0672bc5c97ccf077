"""`python -m service.charts --memory BYTES --seconds SECONDS --idle SECONDS`: render charts until requests end.

Requests come on standard input and responses go to standard output, as frames of `service.subprocess.framing`. A
request is JSON with `document` (Vega-Lite, with its data), `format` (`svg` or `png`) and `scale` (pixels of a PNG per
pixel of the document). A response is the image, empty on failure, and an error message. The process confines
itself, and limits itself, so that it ends even if its parent is gone.
"""

import argparse
import json
import os
import resource
import sys
from typing import Any

from service.subprocess import framing
from service.subprocess.confinement import confine_process


def main(arguments: list[str]) -> None:
    """Limit this process, and serve requests from standard input."""
    parser = argparse.ArgumentParser(prog="python -m service.charts", description=__doc__)
    parser.add_argument("--memory", type=int, required=True, help="maximum memory in bytes")
    parser.add_argument("--seconds", type=int, required=True, help="maximum time of one image in seconds")
    parser.add_argument("--idle", type=int, required=True, help="seconds to wait for the next request")
    options = parser.parse_args(arguments)
    confine_process()
    # This limits private writable memory. The engine reserves much more of it than it uses.
    resource.setrlimit(resource.RLIMIT_DATA, (options.memory, options.memory))
    responses = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # output of the engine goes to the log, not among the responses
    framing.serve_requests(sys.stdin.buffer, responses, _handle_request, options.seconds, options.idle)


def _handle_request(request: list[bytes]) -> list[bytes]:
    (content,) = request
    try:
        return [_render_image(**json.loads(content)), b""]
    except ValueError as error:
        return [b"", str(error).encode()]


def _render_image(document: dict[str, Any], format: str, scale: float) -> bytes:  # noqa: A002  # the request's key
    """Render a document. Whatever it contains, no URL and no file is read.

    Raises:
        ValueError: the document cannot be rendered.

    """
    import vl_convert  # noqa: PLC0415  # the engine must be loaded after the process is confined

    svg = vl_convert.vegalite_to_svg(document, allowed_base_urls=[])
    if "<image" in svg:
        raise ValueError("expected no images, which would be fetched from their URLs")
    return svg.encode() if format == "svg" else vl_convert.svg_to_png(svg, scale=scale)


if __name__ == "__main__":
    main(sys.argv[1:])
