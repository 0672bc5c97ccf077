"""Pictures of learning curves and of evaluations."""

from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.table import Table
from rich.text import Text

from stackyard.cli.client_session import DEFAULT_URL, Token, TokenFile, Url, open_client_session
from stackyard.cli.command_error import CommandError
from stackyard.cli.output import terminal_curve
from stackyard.cli.output.json_output import AsJson, print_json
from stackyard.cli.references import JobReference
from stackyard.cli.terminal import create_console
from stackyard.client import Evaluation, Job
from stackyard.client.result_methods import PictureFormat

Theme = Annotated[Literal["light", "dark"], typer.Option(help="The theme of the page that shows the picture.")]
_OUTPUT_OPTION = typer.Option("--output", "-o", help="The file to write: .svg or .png.")


def register_commands(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("curve")(save_curve)
    app.command("evaluation")(show_evaluation)


def save_curve(
    job: JobReference,
    output: Annotated[Path, _OUTPUT_OPTION],
    metrics: Annotated[str, typer.Option(help="The metrics to draw, separated by commas.")] = "",
    first_epoch: Annotated[int, typer.Option(min=1, help="The first epoch to draw, from 1.")] = 1,
    from_epoch: Annotated[
        int | None, typer.Option(min=0, hidden=True, help="The index of the first epoch, from 0; an earlier option.")
    ] = None,
    theme: Theme = "light",
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Save a job's learning curve as a picture."""
    names = [name for name in metrics.split(",") if name]
    index = first_epoch - 1 if from_epoch is None else from_epoch
    with open_client_session(url, token, token_file) as client:
        job_id, form = client.find_job_id(job), _get_picture_format(output)
        picture = client.curve(job_id, form, metrics=names, from_epoch=index, theme=theme)
    _write_picture(output, picture, as_json=as_json)


def show_evaluation(
    job: JobReference,
    output: Annotated[Path | None, _OUTPUT_OPTION] = None,
    column: Annotated[
        str | None, typer.Option(help="The target column whose residuals to draw; by default the first.")
    ] = None,
    theme: Theme = "light",
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Save the confusion matrix or the residuals as a picture; without --output, print the metrics."""
    with open_client_session(url, token, token_file) as client:
        if output is None:
            _print_evaluation(client.find_job(job), as_json=as_json)
            return
        job_id, form = client.find_job_id(job), _get_picture_format(output)
        picture = client.evaluation_chart(job_id, form, column=column, theme=theme)
    _write_picture(output, picture, as_json=as_json)


def _get_picture_format(file: Path) -> PictureFormat:
    match file.suffix.lower():
        case ".svg":
            return "svg"
        case ".png":
            return "png"
        case _:
            raise CommandError(f"Expected a name that ends in .svg or .png, received {file.name}.")


def _write_picture(file: Path, picture: bytes, *, as_json: bool) -> None:
    try:
        file.write_bytes(picture)
    except OSError as error:
        raise CommandError(f"Cannot write {file}: {error.strerror}.") from None
    if as_json:
        print_json({"path": str(file), "bytes": len(picture)})
    else:
        typer.echo(file)


def _print_evaluation(job: Job, *, as_json: bool) -> None:
    if job.evaluation is None:
        raise CommandError(f"The job is {job.state} and has no evaluation.")
    if as_json:
        print_json(job.evaluation)
        return
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_row("on", Text(_format_rows(job.evaluation)))
    for name, value in job.evaluation.metrics.items():
        table.add_row(Text(name), terminal_curve.format_number(value))
    create_console().print(table)


def _format_rows(evaluation: Evaluation) -> str:
    rows = "" if evaluation.rows is None else f", {evaluation.rows:,} rows"
    return f"the {evaluation.on} set{rows}"
