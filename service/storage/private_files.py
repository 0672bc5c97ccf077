"""Privacy of the files of an installation: other users of the machine may not read the database, datasets and logs."""

import os
from pathlib import Path

import structlog

_OTHERS_ACCESS = 0o077

log = structlog.get_logger()


def keep_files_private(data_dir: Path) -> None:
    """Make the files private that this process creates, and warn if other users can enter the data directory.

    `stackyard serve` repairs or refuses such a directory. A process that is started in another way does not, because
    the owner of a container's volume may differ.
    """
    os.umask(_OTHERS_ACCESS)
    if data_dir.exists() and data_dir.stat().st_mode & _OTHERS_ACCESS:
        log.warning("other users can enter the data directory; run chmod 700", action="data_dir_exposed")
