"""`stackyard jobs`: the list of jobs."""

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, islice
from typing import Annotated

import typer
from rich.text import Text

from stackyard.cli.client_session import DEFAULT_URL, Token, TokenFile, Url, open_client_session
from stackyard.cli.command_error import CommandError
from stackyard.cli.output import terminal_curve
from stackyard.cli.output.job_details import format_state, format_time, format_waiting
from stackyard.cli.output.json_output import AsJson, print_json
from stackyard.cli.output.tables import print_table, shorten_ids
from stackyard.cli.references import InProject, IsMine, Owner, choose_owner
from stackyard.cli.terminal import create_console
from stackyard.client import Client, Job

_PAGE_SIZE = 100
_BEST_SUFFIX = ".best"

_SORTS = {
    "created": "created_at",
    "started": "started_at",
    "finished": "finished_at",
    "duration": "duration",
    "name": "name",
    "state": "state",
    "dataset": "dataset",
    "priority": "priority",
}
"""Orders of the server, by the names that the option has for them."""
_EPOCHS = "epochs"
"""The only order that the command makes itself, from all jobs."""


def register_commands(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("jobs")(list_jobs)


def list_jobs(
    state: Annotated[str | None, typer.Option(help="Only jobs in this state.")] = None,
    tag: Annotated[str | None, typer.Option(help="Only jobs with this tag.")] = None,
    name: Annotated[str | None, typer.Option(help="Only jobs of this name.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Only jobs that read this dataset.")] = None,
    search: Annotated[
        str | None,
        typer.Option("--search", "-q", help="Only jobs with this text in their name, a tag or their dataset's name."),
    ] = None,
    owner: Owner = None,
    mine: IsMine = False,
    project: InProject = None,
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
            help="The order, the smallest value first: created, started, finished, duration, name, state, dataset, "
            "priority, epochs, or a metric as in --metrics. Jobs without the value are the last."
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
        filters = {"state": state, "tag": tag, "name": name, "dataset": dataset, "q": search}
        filters |= {"owner": choose_owner(owner, is_mine=mine), "project": project}
        jobs = list(islice(_iterate_jobs(client, filters, sort, limit, is_reversed=reverse), limit))
    if as_json:
        print_json(jobs)
    else:
        _print_jobs(jobs, [metric for metric in metrics.split(",") if metric])


def _iterate_jobs(
    client: Client, filters: Mapping[str, str | None], key: str, limit: int, *, is_reversed: bool
) -> Iterator[Job]:
    """Yield the jobs that match the filters, in the order of a key.

    Raises:
        CommandError: no job has such a metric.

    """
    page_size = min(limit, _PAGE_SIZE)
    if key == _EPOCHS:
        matches = client.jobs(**filters, order=None, limit=_PAGE_SIZE)
        return iter(sorted(matches, key=lambda job: job.progress.epochs_done, reverse=is_reversed))
    if not key:
        return client.jobs(**filters, order="asc" if is_reversed else "desc", limit=page_size)
    sort = _SORTS.get(key) or f"metrics.{key.removesuffix(_BEST_SUFFIX)}.{'best' if _is_best(key) else 'last'}"
    jobs = client.jobs(**filters, sort=sort, order="desc" if is_reversed else "asc", limit=page_size)
    return jobs if key in _SORTS else _refuse_unknown_metric(jobs, key)


def _refuse_unknown_metric(jobs: Iterator[Job], key: str) -> Iterator[Job]:
    """Yield the jobs, of which those with the metric come first.

    Raises:
        CommandError: the first job has no value, so that no job has one.

    """
    page = list(islice(jobs, _PAGE_SIZE))
    if page and math.isnan(_get_metric(page[0], key)):
        names = sorted({name for job in page for name in job.metrics})
        raise CommandError(f"No job has a value of {key}. Sort by {', '.join([*_SORTS, _EPOCHS, *names])}.")
    return chain(page, jobs)


def _is_best(key: str) -> bool:
    return key.endswith(_BEST_SUFFIX)


def _get_metric(job: Job, name: str) -> float:
    """Return a metric's last value, or its best one for a name with the suffix `.best`; NaN if there is none."""
    if metric := job.metrics.get(name):
        value = metric.last
    else:
        metric = job.metrics.get(name.removesuffix(_BEST_SUFFIX))
        value = metric.best if metric and _is_best(name) else None
    return math.nan if value is None else value


def _print_jobs(jobs: Sequence[Job], metrics: Sequence[str]) -> None:
    ids = [job.id for job in jobs]
    if create_console().is_terminal:
        ids = shorten_ids(ids)
    has_owners = any(job.owner for job in jobs)
    rows = [
        [
            job_id,
            job.name or "",
            format_state(job),
            f"{job.progress.epochs_done}/{job.progress.epochs}",
            format_time(job.created_at),
            *((job.owner or "",) if has_owners else ()),
            *(_format_metric(_get_metric(job, name)) for name in metrics),
            Text(format_waiting(job)),
        ]
        for job_id, job in zip(ids, jobs, strict=True)
    ]
    owner_title = ["owner"] if has_owners else []
    print_table(["id", "name", "state", "epochs", "created", *owner_title, *metrics, "waits"], rows)


def _format_metric(value: float) -> str:
    return "" if math.isnan(value) else terminal_curve.format_number(value)
