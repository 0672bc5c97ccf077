"""`stackyard jobs`: the list of jobs."""

import math
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Annotated, Any

import typer
from rich.text import Text

from stackyard.cli import terminal_curve
from stackyard.cli.client_session import DEFAULT_URL, Token, TokenFile, Url, open_client_session
from stackyard.cli.command_error import CommandError
from stackyard.cli.output.job_details import format_state, format_time, format_waiting
from stackyard.cli.output.json_output import AsJson, print_json
from stackyard.cli.output.tables import print_table, shorten_ids
from stackyard.cli.terminal import create_console
from stackyard.client import Job

_PAGE_SIZE = 100
_BEST_SUFFIX = ".best"

_SORT_KEYS: dict[str, Callable[[Job], Any]] = {
    "created": lambda job: job.created_at.timestamp(),
    "name": lambda job: job.name or "",
    "state": lambda job: job.state,
    "epochs": lambda job: job.progress.epochs_done,
}


def register_commands(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("jobs")(list_jobs)


def list_jobs(
    state: Annotated[str | None, typer.Option(help="Only jobs in this state.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only jobs with this tag.")] = None,
    name: Annotated[str | None, typer.Option(help="Only jobs of this name.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The largest number of jobs to list.")] = 20,
    metrics: Annotated[
        str,
        typer.Option(
            help="Metrics to show, separated by commas: `val_loss` is the last value, `val_loss.best` the best one."
        ),
    ] = "",
    sort: Annotated[
        str,
        typer.Option(
            help="Read every job that matches, and sort them, the smallest value first: by created, name, state, "
            "epochs, or a metric as in --metrics."
        ),
    ] = "",
    reverse: Annotated[
        bool, typer.Option("--reverse", help="The largest value first; without --sort, the oldest job first.")
    ] = False,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """List jobs, newest first. A waiting job shows why it waits and when it will start."""
    with open_client_session(url, token, token_file) as client:
        page_size = _PAGE_SIZE if sort or reverse else min(limit, _PAGE_SIZE)
        matches = client.jobs(state=state, tag=tag, name=name, limit=page_size)
        jobs = list(islice(_sort_jobs(matches, sort, is_reversed=reverse), limit))
    if as_json:
        print_json(jobs)
    else:
        _print_jobs(jobs, [metric for metric in metrics.split(",") if metric])


def _sort_jobs(jobs: Iterator[Job], key: str, *, is_reversed: bool) -> Iterator[Job]:
    """Yield the jobs in the order of a key. Jobs without a value are the last, whatever the direction.

    Raises:
        CommandError: no job has such a metric.

    """
    if not key:
        return iter(sorted(jobs, key=_SORT_KEYS["created"])) if is_reversed else jobs
    if get_value := _SORT_KEYS.get(key):
        return iter(sorted(jobs, key=get_value, reverse=is_reversed))
    matches = list(jobs)
    with_value = [job for job in matches if not math.isnan(_get_metric(job, key))]
    if matches and not with_value:
        names = sorted({name for job in matches for name in job.metrics})
        raise CommandError(f"No job has a value of {key}. Sort by {', '.join([*_SORT_KEYS, *names])}.")
    without_value = [job for job in matches if math.isnan(_get_metric(job, key))]
    return iter([*sorted(with_value, key=lambda job: _get_metric(job, key), reverse=is_reversed), *without_value])


def _get_metric(job: Job, name: str) -> float:
    """Return a metric's last value, or its best one for a name with the suffix `.best`; NaN if there is none."""
    if metric := job.metrics.get(name):
        value = metric.last
    else:
        metric = job.metrics.get(name.removesuffix(_BEST_SUFFIX))
        value = metric.best if metric and name.endswith(_BEST_SUFFIX) else None
    return math.nan if value is None else value


def _print_jobs(jobs: Sequence[Job], metrics: Sequence[str]) -> None:
    ids = [job.id for job in jobs]
    if create_console().is_terminal:
        ids = shorten_ids(ids)
    rows = [
        [
            job_id,
            job.name or "",
            format_state(job),
            f"{job.progress.epochs_done}/{job.progress.epochs}",
            format_time(job.created_at),
            *(_format_metric(_get_metric(job, name)) for name in metrics),
            Text(format_waiting(job)),
        ]
        for job_id, job in zip(ids, jobs, strict=True)
    ]
    print_table(["id", "name", "state", "epochs", "created", *metrics, "waits"], rows)


def _format_metric(value: float) -> str:
    return "" if math.isnan(value) else terminal_curve.format_number(value)
