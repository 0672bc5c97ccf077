"""Backups of an embedded installation into one file, also while it runs, and their restoration.

The file is an uncompressed tar: `manifest.json`, `stackyard.db`, and `sha256/AB/ABCD…` for each file that the database
references. `create_backup` and `restore_backup` are the entry points; `python -m service.backup` is for the command
line.
"""

from service.backup.archive import BackupContents, BackupError
from service.backup.create import create_backup
from service.backup.restore import restore_backup

__all__ = ["BackupContents", "BackupError", "create_backup", "restore_backup"]
