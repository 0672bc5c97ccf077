"""`python -m service.backup create|restore FILE`: back up or restore the installation that the environment configures.

Prints the `BackupContents` as JSON, or an error on standard error with exit status 1.
"""

import argparse
import json
import os
import sys
from dataclasses import asdict
from pathlib import Path

from pydantic import ValidationError

from service.backup import BackupError, create_backup, restore_backup
from service.settings import Settings


def main(arguments: list[str]) -> None:
    """Create or restore the backup that the arguments name."""
    parser = argparse.ArgumentParser(prog="python -m service.backup", description=__doc__)
    parser.add_argument("action", choices=("create", "restore"))
    parser.add_argument("file", type=Path)
    options = parser.parse_args(arguments)
    run_action = create_backup if options.action == "create" else restore_backup
    os.umask(0o077)  # other users may read neither a backup nor a restored data directory
    try:
        sys.stdout.write(json.dumps(asdict(run_action(Settings(), options.file))))
    except BackupError as error:
        sys.exit(str(error))
    except ValidationError as error:
        sys.exit("The settings are invalid: " + "; ".join(_format_faults(error)))


def _format_faults(error: ValidationError) -> list[str]:
    return [f"{'__'.join(map(str, fault['loc']))}: {fault['msg']}" for fault in error.errors()]


if __name__ == "__main__":
    main(sys.argv[1:])
