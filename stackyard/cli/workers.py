"""Commands for workers."""

from typing import Annotated

import typer
from rich.text import Text

from stackyard.cli.client_session import DEFAULT_URL, Token, TokenFile, Url, open_client_session
from stackyard.cli.command_error import CommandError
from stackyard.cli.output.json_output import AsJson, print_json
from stackyard.cli.output.tables import print_table
from stackyard.cli.terminal import strip_control_characters
from stackyard.client import Client, Worker

_STATE_COLORS = {"serving": "green", "draining": "yellow", "lost": "red"}


def register_commands(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("workers")(list_workers)
    app.command("drain")(drain_worker)


def list_workers(
    as_json: AsJson = False, url: Url = DEFAULT_URL, token: Token = "", token_file: TokenFile = None
) -> None:
    """List the workers: host, state, device, number of jobs, releases of the backends and last heartbeat."""
    with open_client_session(url, token, token_file) as client:
        workers = list(client.workers())
    if as_json:
        print_json(workers)
    else:
        print_table(
            ["host", "state", "computes on", "jobs", "backends", "last heard of"], [*map(_list_cells, workers)]
        )


def drain_worker(
    worker: Annotated[str, typer.Argument(help="HOST:PID as `stackyard workers` lists it, an id, or its start.")],
    undo: Annotated[bool, typer.Option("--undo", help="Let the worker take jobs again.")] = False,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Let a worker finish its current jobs and take no new ones."""
    with open_client_session(url, token, token_file) as client:
        worker_id = _find_worker_id(client, worker)
        drained = client.undrain(worker_id) if undo else client.drain(worker_id)
    if as_json:
        print_json(drained)
        return
    jobs = f"{len(drained.jobs)} job{'' if len(drained.jobs) == 1 else 's'}"
    typer.echo(strip_control_characters(f"{_format_name(drained)} is {drained.state} and has {jobs}"))


def _list_cells(worker: Worker) -> list[str | Text]:
    return [
        _format_name(worker),
        _format_state(worker),
        _format_device(worker),
        f"{len(worker.jobs)} of {worker.concurrency}",
        _format_backends(worker),
        f"{worker.last_seen_at:%Y-%m-%d %H:%M:%S}",
    ]


def _find_worker_id(client: Client, reference: str) -> str:
    """Return the id of the worker that is listed so, the latest of several; or of the one whose id starts so."""
    workers = list(client.workers())
    named = [worker.id for worker in workers if _format_name(worker) == reference]
    started = [worker.id for worker in workers if worker.id.startswith(reference)]
    if not named and len(started) > 1:
        raise CommandError(f"The ids of {len(started)} workers start with {reference}: {', '.join(started)}.")
    return next(iter(named or started), reference)


def _format_name(worker: Worker) -> str:
    return f"{worker.host}:{worker.pid}"


def _format_state(worker: Worker) -> Text:
    return Text(worker.state, style=_STATE_COLORS.get(worker.state, ""))


def _format_device(worker: Worker) -> str:
    threads = f"{worker.threads} thread{'s' if worker.threads != 1 else ''} each"
    return f"{', '.join(worker.cards) or worker.device}, {threads}"


def _format_backends(worker: Worker) -> str:
    return ", ".join(f"{name} {worker.versions[name]}" for name in ("jax", "tensorflow") if name in worker.versions)
