"""Commands about jobs."""

import json
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from stackyard.cli import curve
from stackyard.cli.failure import CommandError
from stackyard.cli.progress import follow
from stackyard.cli.remote import DEFAULT_URL, Token, Url, connected
from stackyard.client import Job

JobId = Annotated[str, typer.Argument(help="The job's id.", metavar="ID")]

_COLORS = {"succeeded": "green", "failed": "red", "diverged": "red", "running": "cyan", "cancelled": "yellow"}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(submit)
    app.command("jobs")(list_jobs)
    app.command("job")(show)
    app.command()(history)
    app.command()(model)
    app.command()(cancel)


def submit(
    file: Annotated[Path, typer.Argument(help="A spec in JSON.", metavar="SPEC.json")],
    wait: Annotated[bool, typer.Option("--wait", help="Show the progress until the job ends.")] = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Submit a job. With --wait, the exit status is 0 only if it succeeds."""
    console = Console(highlight=False)
    with connected(url, token) as client:
        job = client.submit(_read_spec(file))
        console.print(job.id)
        if not wait:
            return
        job = follow(client, job.id, console)
    _print_job(console, job)
    if not job.succeeded:
        raise typer.Exit(1)


def list_jobs(
    state: Annotated[str | None, typer.Option(help="Only jobs in this state.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only jobs with this tag.")] = None,
    name: Annotated[str | None, typer.Option(help="Only jobs of this name.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 20,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """List jobs, the newest first."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("id", "name", "state", "epochs", "created"):
        table.add_column(column, no_wrap=column == "id")
    with connected(url, token) as client:
        for job in islice(client.jobs(state=state, tag=tag, name=name, limit=min(limit, 100)), limit):
            epochs = f"{job.progress.epochs_done}/{job.progress.epochs}"
            table.add_row(job.id, job.name, _state(job), epochs, f"{job.created_at:%Y-%m-%d %H:%M:%S}")
    Console(highlight=False).print(table)


def show(job_id: JobId, url: Url = DEFAULT_URL, token: Token = "") -> None:
    """Show a job: its state and why, its progress, its metrics."""
    with connected(url, token) as client:
        _print_job(Console(highlight=False), client.job(job_id))


def history(
    job_id: JobId,
    csv: Annotated[bool, typer.Option("--csv", help="Print every epoch's metrics as CSV.")] = False,
    metrics: Annotated[str, typer.Option(help="What to draw, separated by commas.")] = "loss,val_loss",
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Draw a job's learning curve, or print its numbers."""
    with connected(url, token) as client:
        if csv:
            typer.echo(client.history_csv(job_id), nl=False)
            return
        columns = client.history(job_id)
    wanted = [name for name in metrics.split(",") if name in columns.metrics]
    lines = {name: columns.column(name) for name in wanted}
    Console(highlight=False).print(curve.draw(columns.epochs, lines))


def model(
    job_id: JobId,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write the .keras file.")],
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Download the trained model."""
    with connected(url, token) as client:
        path = client.download_model(job_id, output)
    typer.echo(path)


def cancel(job_id: JobId, url: Url = DEFAULT_URL, token: Token = "") -> None:
    """Cancel a job."""
    with connected(url, token) as client:
        _print_job(Console(highlight=False), client.cancel(job_id))


def _read_spec(file: Path) -> dict[str, Any]:
    try:
        return json.loads(file.read_bytes())
    except OSError as error:
        raise CommandError(f"Cannot read {file}: {error.strerror}.") from None
    except ValueError as error:
        raise CommandError(f"{file} is not JSON: {error}.") from None


def _print_job(console: Console, job: Job) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_row("job", f"{job.id}  {job.name or ''}")
    table.add_row("state", _state(job) + (f"  {job.reason.message}" if job.reason else ""))
    if job.queue_position is not None:
        table.add_row("waits for", f"{job.queue_position} before it on {job.queue}")
    table.add_row("epochs", f"{job.progress.epochs_done} of {job.progress.epochs}")
    last = {name: metric.last for name, metric in job.metrics.items()}
    for title, values in (("last", last), ("test", job.evaluation.metrics if job.evaluation else {})):
        if values:
            table.add_row(title, curve.numbers(values))
    console.print(table)


def _state(job: Job) -> str:
    color = _COLORS.get(job.state)
    return f"[{color}]{job.state}[/]" if color else job.state
