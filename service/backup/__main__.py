"""`python -m service.backup create|restore FILE`: of the installation that the environment describes.

Prints the `Contents` as JSON, or a sentence on standard error with the exit status 1.
"""

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from service.backup import BackupError, create, restore
from service.settings import Settings


def _main(arguments: list[str]) -> None:
    parser = argparse.ArgumentParser(prog="python -m service.backup", description=__doc__)
    parser.add_argument("what", choices=("create", "restore"))
    parser.add_argument("file", type=Path)
    asked = parser.parse_args(arguments)
    do = create if asked.what == "create" else restore
    try:
        sys.stdout.write(json.dumps(asdict(do(Settings(), asked.file))))
    except BackupError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    _main(sys.argv[1:])
