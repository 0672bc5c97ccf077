"""`stackyard doctor`: what is wrong with a server, and what to do about it."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import typer
from rich.console import Console
from rich.text import Text

from stackyard.cli.command_error import CommandError
from stackyard.cli.output.json_output import AsJson, print_json
from stackyard.cli.serve import find_server_packages
from stackyard.cli.serving.server_module import DataDir
from stackyard.cli.terminal import create_console

_STYLES = {"ok": "green", "warning": "yellow", "problem": "bold red"}
_LEVEL_WIDTH, _SUBJECT_WIDTH = 8, 10


def register_commands(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("doctor")(examine_server)


def examine_server(
    data_dir: DataDir = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Examine a server on this machine: settings, database, broker, storage, devices, clocks, disk and workers.

    Each line is ok, a warning or a problem, with what to do about it. The exit status is 1 if there is a problem.
    Run it with the environment of the server; it changes nothing but a test file, which it deletes.
    """
    if not data_dir.expanduser().is_dir():
        raise CommandError(f"There is no directory {data_dir}.")
    findings = _run_examination(data_dir.expanduser().resolve())
    if as_json:
        print_json({"findings": findings})
    else:
        _print_findings(create_console(), findings)
    if any(finding["level"] == "problem" for finding in findings):
        raise typer.Exit(1)


def _run_examination(data_dir: Path) -> list[dict[str, Any]]:
    """Run `service.doctor` in a separate process, so that only that process loads the server's packages.

    Raises:
        CommandError: the process failed; the message is the last line that it printed.

    """
    command = [sys.executable, "-m", "service.doctor"]
    environment = os.environ | {"STACKYARD_DATA_DIR": str(data_dir)}
    if not os.environ.get("STACKYARD_BROKER_URL"):
        # Imported here: a client on Windows has no broker.
        from stackyard.cli.serving.broker import build_broker_url, choose_socket_path  # noqa: PLC0415

        environment["STACKYARD_BROKER_URL"] = build_broker_url(choose_socket_path(data_dir))
    process = subprocess.run(  # noqa: S603  # our own module
        command, cwd=find_server_packages(), env=environment, capture_output=True, text=True, check=False
    )
    findings = [json.loads(line) for line in process.stdout.splitlines()]
    if process.returncode not in {0, 1} or not findings or "Traceback" in process.stderr:
        *detail, message = process.stderr.strip().splitlines() or ["The examination was killed."]
        raise CommandError(message, "\n".join(detail))
    return findings


def _print_findings(console: Console, findings: list[dict[str, Any]]) -> None:
    for finding in findings:
        level = Text(finding["level"].ljust(_LEVEL_WIDTH), _STYLES[finding["level"]])
        subject = finding["subject"].ljust(_SUBJECT_WIDTH)
        console.print(Text.assemble(level, subject, finding["message"]), soft_wrap=True)
        if finding["advice"]:
            console.print(Text(" " * (_LEVEL_WIDTH + _SUBJECT_WIDTH) + f"-> {finding['advice']}"), soft_wrap=True)
    counts = Counter(finding["level"] for finding in findings)
    console.print(f"{counts['problem']} problems, {counts['warning']} warnings")
