"""Commands for jobs."""

from collections.abc import Iterator
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from stackyard.cli import terminal_curve
from stackyard.cli.client_session import DEFAULT_URL, Token, Url, open_client_session
from stackyard.cli.command_error import CommandError
from stackyard.cli.progress import follow_job
from stackyard.cli.specs import print_warnings, read_spec
from stackyard.cli.terminal import create_console, print_document
from stackyard.client import Job, RanOn
from stackyard.client.connection import PictureFormat

Theme = Literal["light", "dark"]
JobId = Annotated[str, typer.Argument(help="The job's id.", metavar="ID")]

_STATE_COLORS = {
    "succeeded": "green",
    "failed": "red",
    "diverged": "red",
    "running": "cyan",
    "cancelled": "yellow",
    "paused": "yellow",
}


def register_commands(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("submit")(submit_job)
    app.command("jobs")(list_jobs)
    app.command("job")(show_job)
    app.command("history")(show_history)
    app.command("curve")(save_curve)
    app.command("model")(download_model)
    app.command("script")(print_script)
    app.command("change")(change_job)
    app.command("cancel")(cancel_job)
    app.command("pause")(pause_job)
    app.command("resume")(resume_job)
    app.command("retry")(retry_job)


def submit_job(
    file: Annotated[Path, typer.Argument(help="A spec in JSON.", metavar="SPEC.json")],
    wait: Annotated[bool, typer.Option("--wait", help="Show the progress until the job ends.")] = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Submit a job. With --wait, the exit status is 0 only if the job succeeds."""
    console = create_console()
    with open_client_session(url, token) as client:
        job = client.submit(read_spec(file))
        console.print(job.id, markup=False)
        print_warnings(job.warnings)
        if not wait:
            return
        job = follow_job(client, job.id, console)
    _print_job(console, job)
    if not job.succeeded:
        raise typer.Exit(1)


def list_jobs(
    state: Annotated[str | None, typer.Option(help="Only jobs in this state.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only jobs with this tag.")] = None,
    name: Annotated[str | None, typer.Option(help="Only jobs of this name.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The largest number of jobs to list.")] = 20,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """List jobs, newest first. A waiting job shows why it waits and when it will start."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for column in ("id", "name", "state", "epochs", "created", "waits"):
        table.add_column(column, no_wrap=column == "id", overflow="fold")
    with open_client_session(url, token) as client:
        for job in islice(client.jobs(state=state, tag=tag, name=name, limit=min(limit, 100)), limit):
            epochs = f"{job.progress.epochs_done}/{job.progress.epochs}"
            created, waiting = _format_time(job.created_at), Text(_format_waiting(job))
            table.add_row(Text(job.id), Text(job.name or ""), _format_state(job), epochs, created, waiting)
    create_console().print(table)


def show_job(job_id: JobId, url: Url = DEFAULT_URL, token: Token = "") -> None:
    """Show a job: its state and the reason, its progress and its metrics."""
    with open_client_session(url, token) as client:
        _print_job(create_console(), client.job(job_id))


def show_history(
    job_id: JobId,
    csv: Annotated[bool, typer.Option("--csv", help="Print every epoch's metrics as CSV.")] = False,
    metrics: Annotated[str, typer.Option(help="The metrics to draw, separated by commas.")] = "loss,val_loss",
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Draw a job's learning curve, or print its metrics as CSV."""
    with open_client_session(url, token) as client:
        if csv:
            print_document(client.history_csv(job_id))
            return
        columns = client.history(job_id)
    names = [name for name in metrics.split(",") if name in columns.metrics]
    lines = {name: columns.column(name) for name in names}
    create_console().print(terminal_curve.draw_curve(columns.epochs, lines))


def save_curve(
    job_id: JobId,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write: .svg or .png.")],
    metrics: Annotated[str, typer.Option(help="The metrics to draw, separated by commas.")] = "",
    from_epoch: Annotated[int, typer.Option(min=0, help="The first epoch to draw, from 0.")] = 0,
    theme: Annotated[Theme, typer.Option(help="The theme of the page that shows the picture.")] = "light",
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Save a job's learning curve as a picture."""
    names = [name for name in metrics.split(",") if name]
    with open_client_session(url, token) as client:
        picture = client.curve(job_id, _picture_format(output), metrics=names, from_epoch=from_epoch, theme=theme)
    try:
        output.write_bytes(picture)
    except OSError as error:
        raise CommandError(f"Cannot write {output}: {error.strerror}.") from None
    typer.echo(output)


def download_model(
    job_id: JobId,
    output: Annotated[Path, typer.Option("--output", "-o", help="The .keras file to write.")],
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Download the trained model."""
    with open_client_session(url, token) as client:
        path = client.download_model(job_id, output)
    typer.echo(path)


def print_script(job_id: JobId, url: Url = DEFAULT_URL, token: Token = "") -> None:
    """Print a Python script that runs the same training with stock Keras."""
    with open_client_session(url, token) as client:
        print_document(client.script(job_id))


def cancel_job(job_id: JobId, url: Url = DEFAULT_URL, token: Token = "") -> None:
    """Cancel a job."""
    with open_client_session(url, token) as client:
        _print_job(create_console(), client.cancel(job_id))


def change_job(
    job_id: JobId,
    priority: Annotated[
        int | None, typer.Option(min=0, max=9, help="The new priority; the highest starts first.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="The new name.")] = None,
    tag: Annotated[
        list[str] | None, typer.Option(help="A new tag. Repeat it for several; they replace all tags.")
    ] = None,
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Change a job's priority, name or tags."""
    with open_client_session(url, token) as client:
        _print_job(create_console(), client.change(job_id, name=name, tags=tag or None, priority=priority))


def pause_job(job_id: JobId, url: Url = DEFAULT_URL, token: Token = "") -> None:
    """Pause a job: a queued one at once, a running one once its worker has written a checkpoint."""
    with open_client_session(url, token) as client:
        _print_job(create_console(), client.pause(job_id))


def resume_job(job_id: JobId, url: Url = DEFAULT_URL, token: Token = "") -> None:
    """Queue a paused job again. It continues from its checkpoint."""
    with open_client_session(url, token) as client:
        _print_job(create_console(), client.resume(job_id))


def retry_job(job_id: JobId, url: Url = DEFAULT_URL, token: Token = "") -> None:
    """Submit a finished job again, with the same spec, seed and dataset."""
    with open_client_session(url, token) as client:
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
    for title, text in _list_details(job):
        table.add_row(title, Text(text) if isinstance(text, str) else text)
    console.print(table)


def _list_details(job: Job) -> Iterator[tuple[str, str | Text]]:
    """Yield a title and a text for each detail of a job."""
    yield "job", f"{job.id}  {job.name or ''}"
    yield "state", _format_state(job).append(f"  {job.reason.message}" if job.reason else "")
    if job.reason is not None and job.reason.hint:
        yield "hint", job.reason.hint
    if job.waiting is not None:
        yield "waits", _format_waiting(job)
    if job.retry_of is not None:
        yield "retry of", job.retry_of
    yield "epochs", f"{job.progress.epochs_done} of {job.progress.epochs}"
    if job.checkpoint is not None:
        yield (
            "checkpoint",
            f"epoch {job.checkpoint.epoch}, step {job.checkpoint.step}, {_format_time(job.checkpoint.at)}",
        )
    if job.crashes or job.lost_attempts:
        yield "attempts", f"{job.attempt}, of which {job.crashes} crashed and {job.lost_attempts} were lost"
    last = {name: metric.last for name, metric in job.metrics.items()}
    evaluation = {} if job.evaluation is None else {job.evaluation.on: job.evaluation.metrics}
    for title, metrics in {"last": last, **evaluation}.items():
        if metrics:
            yield title, terminal_curve.format_metrics(metrics)
    if job.ran_on is not None:
        memory = "" if job.peak_memory is None else f", at most {job.peak_memory / 2**20:,.0f} MiB"
        yield "ran on" if job.finished else "runs on", _format_environment(job.ran_on) + memory


def _format_waiting(job: Job) -> str:
    """Return why a job waits and when it will start; an empty string if it does not wait."""
    if job.waiting is None:
        return ""
    start = "" if job.estimated_start is None else f" It starts at about {_format_time(job.estimated_start)}."
    return job.waiting.message + start


def _format_time(time: datetime) -> str:
    return f"{time:%Y-%m-%d %H:%M:%S}"


def _format_environment(ran_on: RanOn) -> str:
    threads = f"{ran_on.threads} thread{'s' if ran_on.threads != 1 else ''}"
    releases = (f"{name} {ran_on.versions[name]}" for name in ("keras", "tensorflow") if name in ran_on.versions)
    return ", ".join([ran_on.device, threads, ran_on.precision, *releases])


def _format_state(job: Job) -> Text:
    pausing = ", about to pause" if job.pause_requested else ""
    return Text.assemble((job.state, _STATE_COLORS.get(job.state, "")), pausing)
