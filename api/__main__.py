"""The HTTP server: `python -m api --host 0.0.0.0 --port 8000`. Its settings come from the environment."""

import argparse
import contextlib
import socket
import sys

from pydantic import ValidationError

from api.server.http_server import OpenServerError, build_server
from service.db.schema_revision import require_matching_schema
from service.settings import Settings


def main() -> None:
    """Run the server until a signal ends it."""
    arguments = _parse_arguments()
    try:
        listener = None if arguments.fd is None else socket.socket(fileno=arguments.fd)
        host = arguments.host if listener is None else str(listener.getsockname()[0])
        settings = Settings()
        server = build_server(settings, host=host, port=arguments.port)
        require_matching_schema(settings.resolved_database_url)
    except (ValidationError, OpenServerError) as error:
        sys.exit(str(error))
    with contextlib.suppress(KeyboardInterrupt):
        server.run(None if listener is None else [listener])
    sys.exit(0 if server.started else 1)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m api", description="Run the HTTP server of Stackyard.")
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on; any but a loopback address needs users or STACKYARD_TOKEN",
    )
    parser.add_argument("--port", type=int, default=8000, help="port to listen on")
    parser.add_argument("--fd", type=int, help="descriptor of a TCP socket to listen on, instead of host and port")
    return parser.parse_args()


if __name__ == "__main__":
    main()
