"""`stackyard backup` and `stackyard restore`: a server's database, datasets and models in one file."""

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from stackyard.cli.command_error import CommandError
from stackyard.cli.input_files import STANDARD_INPUT
from stackyard.cli.output.json_output import AsJson, print_json
from stackyard.cli.output.units import format_bytes
from stackyard.cli.serve import find_server_packages
from stackyard.cli.serving.server_module import DataDir, run_server_module


def register_commands(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("backup")(create_backup)
    app.command("restore")(restore_backup)


def create_backup(
    file: Annotated[Path, typer.Argument(help="The backup file to create; it must not exist.")],
    data_dir: DataDir = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Back up a server on this machine, whether it is running or not."""
    if not data_dir.expanduser().is_dir():
        raise CommandError(f"There is no directory {data_dir}.")
    contents = _run_backup_process("create", file.expanduser().resolve(), data_dir)
    _print_result(f"backed up {_format_contents(contents)} to {file}", contents, as_json=as_json)


def restore_backup(
    file: Annotated[
        Path,
        typer.Argument(
            help="A file that `stackyard backup` created; `-` reads it from standard input.", allow_dash=True
        ),
    ],
    data_dir: DataDir = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Restore a backup into a data directory that is empty or does not exist yet. Then `serve` it."""
    if file == STANDARD_INPUT:
        source = Path("/dev/stdin")  # the other process has the same standard input
    elif not (source := file.expanduser().resolve()).is_file():
        raise CommandError(f"There is no file {file}.")
    contents = _run_backup_process("restore", source, data_dir)
    _print_result(f"restored {_format_contents(contents)} to {data_dir}", contents, as_json=as_json)


def _run_backup_process(action: str, file: Path, data_dir: Path) -> dict[str, Any]:
    return run_server_module(find_server_packages(), ["service.backup", action, str(file)], data_dir)


def _format_contents(contents: dict[str, Any]) -> str:
    return f"{contents['jobs']:,} jobs and {contents['files']:,} files of {format_bytes(contents['bytes'])}"


def _print_result(message: str, contents: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print_json(contents)
        return
    console = Console(highlight=False, soft_wrap=True)
    console.print(message)
    if damaged := contents["damaged"]:
        console.print(f"{len(damaged)} files were already damaged or missing. They are not in it:", style="yellow")
        for sha256 in damaged:
            console.print(f"  {sha256}")
