"""Commands about jobs."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table

from stackyard.cli import terminal_curve
from stackyard.cli.client_session import DEFAULT_URL, Token, Url, connected
from stackyard.cli.command_error import CommandError
from stackyard.cli.progress import follow
from stackyard.cli.specs import read_spec, warn
from stackyard.client import Job, RanOn
from stackyard.client.connection import PictureFormat

Theme = Literal["light", "dark"]
JobId = Annotated[str, typer.Argument(help="The job's id.", metavar="ID")]

_COLORS = {
    "succeeded": "green",
    "failed": "red",
    "diverged": "red",
    "running": "cyan",
    "cancelled": "yellow",
    "paused": "yellow",
}


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(submit)
    app.command("jobs")(list_jobs)
    app.command("job")(show)
    app.command()(history)
    app.command("curve")(save_curve)
    app.command()(model)
    app.command()(script)
    app.command()(change)
    app.command()(cancel)
    app.command()(pause)
    app.command()(resume)
    app.command()(retry)


def submit(
    file: Annotated[Path, typer.Argument(help="A spec in JSON.", metavar="SPEC.json")],
    wait: Annotated[bool, typer.Option("--wait", help="Show the progress until the job ends.")] = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Submit a job. With --wait, the exit status is 0 only if it succeeds."""
    console = Console(highlight=False)
    with connected(url, token) as client:
        job = client.submit(read_spec(file))
        console.print(job.id)
        warn(job.warnings)
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
    """List jobs, the newest first; of one that waits, why and when it will start."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("id", "name", "state", "epochs", "created", "waits"):
        table.add_column(column, no_wrap=column == "id", overflow="fold")
    with connected(url, token) as client:
        for job in islice(client.jobs(state=state, tag=tag, name=name, limit=min(limit, 100)), limit):
            epochs = f"{job.progress.epochs_done}/{job.progress.epochs}"
            table.add_row(job.id, job.name, _state(job), epochs, _clock(job.created_at), _waits(job))
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
    Console(highlight=False).print(terminal_curve.draw(columns.epochs, lines))


def save_curve(
    job_id: JobId,
    output: Annotated[Path, typer.Option("--output", "-o", help="Where to write it: a .svg or a .png file.")],
    metrics: Annotated[str, typer.Option(help="What to draw, separated by commas.")] = "",
    from_epoch: Annotated[int, typer.Option(min=0, help="The first epoch to draw, from 0.")] = 0,
    theme: Annotated[Theme, typer.Option(help="For a light or a dark page.")] = "light",
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Save a job's learning curve as a picture."""
    names = [name for name in metrics.split(",") if name]
    with connected(url, token) as client:
        picture = client.curve(job_id, _picture_format(output), metrics=names, from_epoch=from_epoch, theme=theme)
    try:
        output.write_bytes(picture)
    except OSError as error:
        raise CommandError(f"Cannot write {output}: {error.strerror}.") from None
    typer.echo(output)


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


def script(job_id: JobId, url: Url = DEFAULT_URL, token: Token = "") -> None:
    """Print a Python script that does the same training with stock Keras."""
    with connected(url, token) as client:
        typer.echo(client.script(job_id), nl=False)


def cancel(job_id: JobId, url: Url = DEFAULT_URL, token: Token = "") -> None:
    """Cancel a job."""
    with connected(url, token) as client:
        _print_job(Console(highlight=False), client.cancel(job_id))


def change(
    job_id: JobId,
    priority: Annotated[int | None, typer.Option(min=0, max=9, help="0 to 9; the highest is next.")] = None,
    name: Annotated[str | None, typer.Option(help="Its new name.")] = None,
    tag: Annotated[list[str] | None, typer.Option(help="A new tag; may be repeated, and replaces all.")] = None,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Change a job's priority, name or tags."""
    with connected(url, token) as client:
        _print_job(Console(highlight=False), client.change(job_id, name=name, tags=tag or None, priority=priority))


def pause(job_id: JobId, url: Url = DEFAULT_URL, token: Token = "") -> None:
    """Put a job aside: at once if it waits, else once its worker has written a checkpoint."""
    with connected(url, token) as client:
        _print_job(Console(highlight=False), client.pause(job_id))


def resume(job_id: JobId, url: Url = DEFAULT_URL, token: Token = "") -> None:
    """Queue a paused job again, to go on where it was."""
    with connected(url, token) as client:
        _print_job(Console(highlight=False), client.resume(job_id))


def retry(job_id: JobId, url: Url = DEFAULT_URL, token: Token = "") -> None:
    """Submit a job that has ended once more: the same spec, seed and dataset."""
    with connected(url, token) as client:
        typer.echo(client.retry(job_id).id)


def _picture_format(file: Path) -> PictureFormat:
    match file.suffix.lower():
        case ".svg":
            return "svg"
        case ".png":
            return "png"
        case _:
            raise CommandError(f"Expected a name that ends in .svg or .png, received {file.name}.")


def _print_job(console: Console, job: Job) -> None:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    for title, text in _lines(job):
        table.add_row(title, text)
    console.print(table)


def _lines(job: Job) -> Iterator[tuple[str, str]]:
    """What there is to say of a job: a title and a text each."""
    yield "job", f"{job.id}  {job.name or ''}"
    yield "state", _state(job) + (f"  {job.reason.message}" if job.reason else "")
    if job.reason is not None and job.reason.hint:
        yield "hint", job.reason.hint
    if job.waiting is not None:
        yield "waits", _waits(job)
    if job.retry_of is not None:
        yield "retry of", job.retry_of
    yield "epochs", f"{job.progress.epochs_done} of {job.progress.epochs}"
    if job.checkpoint is not None:
        yield "checkpoint", f"epoch {job.checkpoint.epoch}, step {job.checkpoint.step}, {_clock(job.checkpoint.at)}"
    if job.crashes or job.lost_attempts:
        yield "attempts", f"{job.attempt}, of which {job.crashes} crashed and {job.lost_attempts} were lost"
    last = {name: metric.last for name, metric in job.metrics.items()}
    evaluated = {} if job.evaluation is None else {job.evaluation.on: job.evaluation.metrics}
    for title, values in {"last": last, **evaluated}.items():
        if values:
            yield title, terminal_curve.numbers(values)
    if job.ran_on is not None:
        memory = "" if job.peak_memory is None else f", at most {job.peak_memory / 2**20:,.0f} MiB"
        yield "ran on" if job.finished else "runs on", _said(job.ran_on) + memory


def _waits(job: Job) -> str:
    """Why a job waits, and when it will start; nothing of one that does not."""
    if job.waiting is None:
        return ""
    start = "" if job.estimated_start is None else f" It starts at about {_clock(job.estimated_start)}."
    return job.waiting.message + start


def _clock(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S}"


def _said(ran_on: RanOn) -> str:
    threads = f"{ran_on.threads} thread{'s' if ran_on.threads != 1 else ''}"
    releases = (f"{name} {ran_on.versions[name]}" for name in ("keras", "tensorflow") if name in ran_on.versions)
    return ", ".join([ran_on.device, threads, ran_on.precision, *releases])


def _state(job: Job) -> str:
    color = _COLORS.get(job.state)
    wish = ", about to pause" if job.pause_requested else ""
    return f"[{color}]{job.state}[/]{wish}" if color else job.state
