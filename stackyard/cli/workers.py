"""Commands for workers."""

from typing import Annotated

import typer
from rich.table import Table
from rich.text import Text

from stackyard.cli.client_session import DEFAULT_URL, Token, Url, open_client_session
from stackyard.cli.terminal import create_console, strip_control_characters
from stackyard.client import Client, Worker

_STATE_COLORS = {"serving": "green", "draining": "yellow", "lost": "red"}


def register_commands(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("workers")(list_workers)
    app.command("drain")(drain_worker)


def list_workers(url: Url = DEFAULT_URL, token: Token = "") -> None:
    """List the workers: host, state, device, number of jobs, TensorFlow release and last heartbeat."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("host", "state", "computes on", "jobs", "tensorflow", "last heard of"):
        table.add_column(title, overflow="fold")
    with open_client_session(url, token) as client:
        for worker in client.workers():
            table.add_row(
                Text(_format_name(worker)),
                _format_state(worker),
                Text(_format_device(worker)),
                f"{len(worker.jobs)} of {worker.concurrency}",
                Text(worker.versions.get("tensorflow", "")),
                f"{worker.last_seen_at:%Y-%m-%d %H:%M:%S}",
            )
    create_console().print(table)


def drain_worker(
    worker: Annotated[str, typer.Argument(help="HOST:PID as `stackyard workers` lists it, or an id.")],
    undo: Annotated[bool, typer.Option("--undo", help="Let the worker take jobs again.")] = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Let a worker finish its current jobs and take no new ones."""
    with open_client_session(url, token) as client:
        worker_id = _find_worker_id(client, worker)
        drained = client.undrain(worker_id) if undo else client.drain(worker_id)
    jobs = f"{len(drained.jobs)} job{'' if len(drained.jobs) == 1 else 's'}"
    typer.echo(strip_control_characters(f"{_format_name(drained)} is {drained.state} and has {jobs}"))


def _find_worker_id(client: Client, name: str) -> str:
    """Return the id of the worker that is listed as `name`; of several, the latest. Otherwise `name` is the id."""
    return next((worker.id for worker in client.workers() if _format_name(worker) == name), name)


def _format_name(worker: Worker) -> str:
    return f"{worker.host}:{worker.pid}"


def _format_state(worker: Worker) -> Text:
    return Text(worker.state, style=_STATE_COLORS.get(worker.state, ""))


def _format_device(worker: Worker) -> str:
    threads = f"{worker.threads} thread{'s' if worker.threads != 1 else ''} each"
    return f"{', '.join(worker.cards) or worker.device}, {threads}"
