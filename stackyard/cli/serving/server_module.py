"""Processes of the server's packages, which act on the installation itself instead of over HTTP."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from stackyard.cli.command_error import CommandError

DataDir = Annotated[Path, typer.Option(envvar="STACKYARD_DATA_DIR", help="The data directory, as for `serve`.")]


def run_server_module(source_dir: Path, arguments: Sequence[str], data_dir: Path) -> Any:
    """Run a module of the server's packages on an installation, and return the JSON that it prints.

    Args:
        source_dir: the directory of the server's packages.
        arguments: the module and its arguments.
        data_dir: the data directory of the installation.

    Raises:
        CommandError: the process failed; the message is the last line that it printed.

    """
    environment = os.environ | {"STACKYARD_DATA_DIR": str(data_dir.expanduser().resolve())}
    process = subprocess.run(  # noqa: S603
        [sys.executable, "-m", *arguments],
        cwd=source_dir,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if process.returncode != 0:
        *detail, message = process.stderr.strip().splitlines() or [f"The process {arguments[0]} was killed."]
        raise CommandError(message, "\n".join(detail))
    return json.loads(process.stdout)
