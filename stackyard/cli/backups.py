"""`stackyard backup` and `stackyard restore`: a server's database, datasets and models, in one file."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from stackyard.cli.command_error import CommandError
from stackyard.cli.serve import find_rooms

DataDir = Annotated[Path, typer.Option(envvar="STACKYARD_DATA_DIR", help="As `serve` has it.")]


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(backup)
    app.command()(restore)


def backup(
    file: Annotated[Path, typer.Argument(help="To make; it must not be there yet.")],
    data_dir: DataDir = Path("data"),
) -> None:
    """Back up a server of this machine, while it runs or while it does not."""
    if not data_dir.expanduser().is_dir():
        raise CommandError(f"There is no directory {data_dir}.")
    contents = _run("create", file, data_dir)
    _say(f"backed up {_describe(contents)} to {file}", contents)


def restore(
    file: Annotated[Path, typer.Argument(help="That `stackyard backup` has made.")],
    data_dir: DataDir = Path("data"),
) -> None:
    """Restore a backup into a data directory that is empty, or is not there yet; then `serve` it."""
    if not file.expanduser().is_file():
        raise CommandError(f"There is no file {file}.")
    contents = _run("restore", file, data_dir)
    _say(f"restored {_describe(contents)} to {data_dir}", contents)


def _run(what: str, file: Path, data_dir: Path) -> dict[str, Any]:
    """In a process of its own, for which alone the server's packages are loaded.

    Raises:
        CommandError: it could not do it, and said why.

    """
    rooms = find_rooms()
    environment = os.environ | {"STACKYARD_DATA_DIR": str(data_dir.expanduser().resolve())}
    command = [sys.executable, "-m", "service.backup", what, str(file.expanduser().resolve())]
    done = subprocess.run(command, cwd=rooms, env=environment, capture_output=True, text=True, check=False)  # noqa: S603
    if done.returncode != 0:
        *detail, message = done.stderr.strip().splitlines() or ["The process that does it was killed."]
        raise CommandError(message, "\n".join(detail))
    return json.loads(done.stdout)


def _describe(contents: dict[str, Any]) -> str:
    return f"{contents['jobs']:,} jobs and {contents['files']:,} files of {contents['bytes']:,} bytes"


def _say(sentence: str, contents: dict[str, Any]) -> None:
    console = Console(highlight=False, soft_wrap=True)
    console.print(sentence)
    if damaged := contents["damaged"]:
        console.print(f"{len(damaged)} files were damaged or gone already, and are not in it:", style="yellow")
        for sha256 in damaged:
            console.print(f"  {sha256}")
