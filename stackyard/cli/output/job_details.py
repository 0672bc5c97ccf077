"""The details of a job, for people: epochs and steps count from 1."""

from collections.abc import Iterator
from datetime import datetime

from rich.console import Console
from rich.table import Table
from rich.text import Text

from stackyard.cli.output import terminal_curve
from stackyard.cli.output.json_output import print_json
from stackyard.cli.output.tables import print_unwrapped
from stackyard.cli.output.units import format_bytes
from stackyard.cli.terminal import create_console
from stackyard.client import Checkpoint, Job, RanOn

_STATE_COLORS = {
    "succeeded": "green",
    "failed": "red",
    "diverged": "red",
    "running": "cyan",
    "cancelled": "yellow",
    "paused": "yellow",
}


def print_job(job: Job, *, as_json: bool, console: Console | None = None) -> None:
    """Print the details of a job as a table, or the whole job as JSON."""
    if as_json:
        print_json(job)
        return
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    for title, text in _list_details(job):
        table.add_row(title, Text(text) if isinstance(text, str) else text)
    print_unwrapped(console or create_console(), table)


def format_state(job: Job) -> Text:
    """Format the state of a job, in its color."""
    pending = ", about to pause" if job.pause_requested else ""
    if job.finish_requested and not job.finished:
        pending = ", about to finish"
    return Text.assemble((job.state, _STATE_COLORS.get(job.state, "")), pending)


def format_waiting(job: Job) -> str:
    """Return why a job waits and when it will start; an empty string if it does not wait."""
    if job.waiting is None:
        return ""
    start = "" if job.estimated_start is None else f" It starts at about {format_time(job.estimated_start)}."
    return job.waiting.message + start


def format_time(time: datetime) -> str:
    """Format a time to the second."""
    return f"{time:%Y-%m-%d %H:%M:%S}"


def _list_details(job: Job) -> Iterator[tuple[str, str | Text]]:
    """Yield a title and a text for each detail of a job."""
    yield "job", f"{job.id}  {job.name or ''}"
    yield from _list_ownership(job)
    yield "state", format_state(job).append(f"  {job.reason.message}" if job.reason else "")
    if job.reason is not None and job.reason.hint:
        yield "hint", job.reason.hint
    if job.waiting is not None:
        yield "waits", format_waiting(job)
    if job.retry_of is not None:
        yield "retry of", job.retry_of
    if job.continued_from is not None:
        yield "continues", job.continued_from
    pause = "" if job.until_epoch is None else f", pauses after {job.until_epoch}"
    yield "epochs", f"{job.progress.epochs_done} of {job.progress.epochs}{'' if job.finished else pause}"
    if job.checkpoint is not None and not job.succeeded:  # a succeeded job has its model
        yield "checkpoint", _format_checkpoint(job.checkpoint, job.progress.epochs)
    if job.crashes or job.lost_attempts:
        yield "attempts", f"{job.attempt}, of which {job.crashes} crashed and {job.lost_attempts} were lost"
    last = {name: metric.last for name, metric in job.metrics.items()}
    evaluation = {} if job.evaluation is None else {job.evaluation.on: job.evaluation.metrics}
    for title, metrics in {"last": last, **evaluation}.items():
        if metrics:
            yield title, terminal_curve.format_metrics(metrics)
    if job.ran_on is None:
        yield "backend", job.backend
    else:
        memory = "" if job.peak_memory is None else f", at most {format_bytes(job.peak_memory)}"
        yield "ran on" if job.finished else "runs on", _format_environment(job.ran_on) + memory


def _list_ownership(job: Job) -> Iterator[tuple[str, str]]:
    if job.owner is not None:
        yield "owner", f"{job.owner}, in the project {job.project}"


def _format_checkpoint(checkpoint: Checkpoint, epochs: int) -> str:
    position = f"before epoch {checkpoint.epoch + 1} of {epochs}, step {checkpoint.step + 1}"
    return f"{position}, {format_time(checkpoint.at)}"


def _format_environment(ran_on: RanOn) -> str:
    threads = f"{ran_on.threads} thread{'s' if ran_on.threads != 1 else ''}"
    releases = (f"{name} {ran_on.versions[name]}" for name in ("keras", ran_on.backend) if name in ran_on.versions)
    return ", ".join([ran_on.device, threads, ran_on.precision, *releases])
