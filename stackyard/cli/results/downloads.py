"""Files of a job: its model, its summary and its script."""

from pathlib import Path
from typing import Annotated

import typer

from stackyard.cli.client_session import DEFAULT_URL, Token, TokenFile, Url, open_client_session
from stackyard.cli.output.json_output import AsJson, print_json
from stackyard.cli.references import JobReference
from stackyard.cli.terminal import print_document


def register_commands(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("model")(download_model)
    app.command("summary")(print_summary)
    app.command("script")(print_script)


def download_model(
    job: JobReference,
    output: Annotated[Path, typer.Option("--output", "-o", help="The .keras file to write.")],
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Download the trained model."""
    with open_client_session(url, token, token_file) as client:
        path = client.download_model(client.find_job_id(job), output)
    if as_json:
        print_json({"path": str(path), "bytes": path.stat().st_size})
    else:
        typer.echo(path)


def print_summary(
    job: JobReference, as_json: AsJson = False, url: Url = DEFAULT_URL, token: Token = "", token_file: TokenFile = None
) -> None:
    """Print the layers of the trained network, as Keras's `model.summary()` does."""
    with open_client_session(url, token, token_file) as client:
        _print_text("summary", client.summary(client.find_job_id(job)), as_json=as_json)


def print_script(
    job: JobReference, as_json: AsJson = False, url: Url = DEFAULT_URL, token: Token = "", token_file: TokenFile = None
) -> None:
    """Print a Python script that runs the same training with stock Keras."""
    with open_client_session(url, token, token_file) as client:
        _print_text("script", client.script(client.find_job_id(job)), as_json=as_json)


def _print_text(name: str, text: str, *, as_json: bool) -> None:
    if as_json:
        print_json({name: text})
    else:
        print_document(text)
