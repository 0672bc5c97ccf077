"""Commands about workers."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from stackyard.cli.client_session import DEFAULT_URL, Token, Url, connected
from stackyard.client import Client, Worker

_COLORS = {"serving": "green", "draining": "yellow", "lost": "red"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("workers")(list_workers)
    app.command()(drain)


def list_workers(url: Url = DEFAULT_URL, token: Token = "") -> None:
    """List the workers: where they are, what they compute on, what they do."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("host", "state", "computes on", "jobs", "tensorflow", "last heard of"):
        table.add_column(column, overflow="fold")
    with connected(url, token) as client:
        for worker in client.workers():
            state = f"[{_COLORS.get(worker.state, '')}]{worker.state}[/]" if worker.state in _COLORS else worker.state
            jobs = f"{len(worker.jobs)} of {worker.concurrency}"
            heard = f"{worker.last_seen_at:%Y-%m-%d %H:%M:%S}"
            host = f"{worker.host}:{worker.pid}"
            table.add_row(host, state, _device(worker), jobs, worker.versions.get("tensorflow"), heard)
    Console(highlight=False).print(table)


def drain(
    worker: Annotated[str, typer.Argument(help="HOST:PID, as `stackyard workers` lists it, or an id.")],
    undo: Annotated[bool, typer.Option("--undo", help="Have it take jobs again.")] = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Have a worker finish the jobs that it has and take no more."""
    with connected(url, token) as client:
        worker_id = _id(client, worker)
        told = client.undrain(worker_id) if undo else client.drain(worker_id)
    jobs = f"{len(told.jobs)} job{'' if len(told.jobs) == 1 else 's'}"
    typer.echo(f"{told.host}:{told.pid} is {told.state} and has {jobs}")


def _id(client: Client, worker: str) -> str:
    """The id of a worker by what people call it; of several that had one name, the latest."""
    return next((found.id for found in client.workers() if f"{found.host}:{found.pid}" == worker), worker)


def _device(worker: Worker) -> str:
    threads = f"{worker.threads} thread{'s' if worker.threads != 1 else ''} each"
    return f"{', '.join(worker.cards) or worker.device}, {threads}"
