"""`stackyard compare`: the values of jobs, and the places at which their specs differ."""

import json
from collections.abc import Iterator, Sequence
from typing import Annotated, Any

import typer
from rich.text import Text

from stackyard.cli.client_session import DEFAULT_URL, Token, TokenFile, Url, open_client_session
from stackyard.cli.output.job_details import format_state
from stackyard.cli.output.json_output import AsJson, print_json
from stackyard.cli.output.tables import Cell, print_table, shorten_ids
from stackyard.cli.terminal import create_console
from stackyard.client import Comparison, Job, Repeats
from stackyard.client.display.formats import format_number

_MAX_WIDTH = 28
"""Characters of a value of a spec in a terminal; a pipe gets all of them."""


def register_commands(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("compare")(compare_jobs)


def compare_jobs(
    job: Annotated[
        list[str],
        typer.Argument(
            help="2 to 50 jobs: for each its id, the first characters of it, or its name.", metavar="JOB..."
        ),
    ],
    metrics: Annotated[str, typer.Option(help="The metrics to show, separated by commas; by default all.")] = "",
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Compare jobs: the last and the best value of each metric, and the places at which their specs differ."""
    with open_client_session(url, token, token_file) as client:
        comparison = client.compare([client.find_job_id(reference) for reference in job])
    if as_json:
        print_json(comparison)
        return
    names = [name for name in metrics.split(",") if name] or comparison.metrics
    _print_values(comparison.jobs, names)
    _print_differences(comparison)
    for repeats in comparison.repeats:
        create_console(markup=False, soft_wrap=True).print("\n" + _describe_repeats(repeats, names))


def _print_values(jobs: Sequence[Job], metrics: Sequence[str]) -> None:
    titles = [title for name in metrics for title in (name, f"{name}.best")]
    rows = [
        [str(number), job_id, job.name or "", format_state(job), *_list_values(job, metrics)]
        for number, (job_id, job) in enumerate(zip(_list_ids(jobs), jobs, strict=True), start=1)
    ]
    print_table(["", "id", "name", "state", *titles], rows)


def _list_ids(jobs: Sequence[Job]) -> list[str]:
    ids = [job.id for job in jobs]
    return shorten_ids(ids) if create_console().is_terminal else ids


def _list_values(job: Job, metrics: Sequence[str]) -> Iterator[str]:
    """Yield the last and the best value of each metric."""
    for name in metrics:
        metric = job.metrics.get(name)
        yield "" if metric is None else format_number(metric.last)
        yield "" if metric is None else format_number(metric.best)


def _print_differences(comparison: Comparison) -> None:
    """Print a line for each place at which the specs differ, with a column for each job's number."""
    console = create_console()
    if not comparison.differences:
        console.print("\nThe specs are equal.")
        return
    console.print()
    max_width = _MAX_WIDTH if console.is_terminal else None
    rows: list[list[Cell]] = [
        [difference.pointer or "/", *(_format_value(value, max_width) for value in difference.values)]
        for difference in comparison.differences
    ]
    print_table(["differs", *(str(number) for number in range(1, len(comparison.jobs) + 1))], rows)


def _format_value(value: Any, max_width: int | None) -> Text:
    """Return a value as JSON. A missing one is empty."""
    text = Text("" if value is None else json.dumps(value, ensure_ascii=False))
    if max_width is not None:
        text.truncate(max_width, overflow="ellipsis")
    return text


def _describe_repeats(repeats: Repeats, metrics: Sequence[str]) -> str:
    """Return which jobs repeat one spec, and the mean and the standard deviation of their metrics at the end."""
    numbers = ", ".join(str(index + 1) for index in repeats.jobs)
    ends = (
        f"{name} {format_number(band.mean[-1])} ± {format_number(band.high[-1] - band.mean[-1])}"
        for name in metrics
        if (band := repeats.metrics.get(name)) is not None and band.mean
    )
    return (
        f"{numbers} differ only in seeds; mean and standard deviation of the last epoch: {', '.join(ends) or 'none'}"
    )
