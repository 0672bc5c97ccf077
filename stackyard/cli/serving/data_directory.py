"""The data directory of a server: created or made private, because it holds the database, datasets and logs."""

import os
import stat
from pathlib import Path

from stackyard.cli.command_error import CommandError

_OTHERS_ACCESS = 0o077
_OWN_ENTRIES = frozenset({"stackyard.db", "serve.lock", "serve.json", "sha256", "incoming", "logs", "demo"})
"""Names by which a data directory is recognized; `make demo` creates `demo` in the default one."""


def prepare_data_directory(directory: Path) -> str | None:
    """Create the data directory, or make an existing one private; return a message if that changed its mode.

    Files that this process and its children create from now on are private, too.

    Raises:
        CommandError: the directory cannot be created or written to, or it is open to other users and cannot be made
            private: it belongs to another user, or it holds other things.

    """
    os.umask(_OTHERS_ACCESS)
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        status = directory.stat()
    except OSError as error:
        raise CommandError(f"Cannot create the data directory {directory}: {error.strerror}.") from None
    if not os.access(directory, os.W_OK):
        raise CommandError(f"Cannot write to the data directory {directory}.")
    if not status.st_mode & _OTHERS_ACCESS:
        return None
    return _make_private(directory, status)


def _make_private(directory: Path, status: os.stat_result) -> str:
    mode = stat.S_IMODE(status.st_mode)
    exposure = f"Other users of this machine have access to the data directory {directory} (mode {mode:o})"
    if status.st_uid != os.getuid():
        raise CommandError(
            f"{exposure}, and it belongs to another user. Let its owner run `chmod 700`, or choose another --data-dir."
        )
    entries = {entry.name for entry in directory.iterdir()}
    if entries and not entries & _OWN_ENTRIES:
        raise CommandError(
            f"{exposure}, and it holds files of something else. Choose a directory of its own as --data-dir, or run "
            "`chmod 700` on this one."
        )
    directory.chmod(0o700)
    return f"made {directory} private: its mode was {mode:o}, and is 700 now"
