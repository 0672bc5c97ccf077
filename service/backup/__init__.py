"""A whole embedded installation in one file, made while it runs, and an installation out of such a file.

The file is an uncompressed tar: `manifest.json`, `stackyard.db`, and `sha256/AB/ABCD…` for each file that the database
names. `create` and `restore` are the doors; `python -m service.backup` is theirs for the command line.
"""

from service.backup.archive import BackupError, Contents
from service.backup.create import create
from service.backup.restore import restore

__all__ = ["BackupError", "Contents", "create", "restore"]
