"""A backup with an entry that is small in the archive and would become 2 GB on the disk."""

import tarfile
import tempfile
from pathlib import Path

from service.backup import BackupError, restore_backup
from service.settings import Settings
from tests.attacks.target import AttackResult, Target

TITLE = "A forged backup"
POINT = 19


def run_attack(_target: Target) -> AttackResult:
    """Restore the backup, and expect a refusal that leaves nothing."""
    with tempfile.TemporaryDirectory() as directory:
        file, data_dir = Path(directory) / "backup.tar", Path(directory) / "data"
        with tarfile.open(file, "w") as archive:
            entry = tarfile.TarInfo("manifest.json")
            entry.type = tarfile.GNUTYPE_SPARSE
            archive.addfile(entry)
        try:
            restore_backup(Settings(data_dir=data_dir), file)
        except BackupError as error:
            return AttackResult(held=not data_dir.exists(), figures={"refusal": str(error)})
        return AttackResult(held=False, figures={})
