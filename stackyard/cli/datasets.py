"""Commands for datasets."""

from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from stackyard.cli.client_session import DEFAULT_URL, Token, Url, open_client_session
from stackyard.cli.terminal import create_console


def register_commands(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("upload")(upload_dataset)


def upload_dataset(
    file: Annotated[Path, typer.Argument(help="A .csv, .parquet or .npz file.")],
    name: Annotated[str, typer.Option(help="The dataset's name in specs; by default the file's name.")] = "",
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Upload a dataset."""
    with open_client_session(url, token) as client:
        dataset = client.upload(file, name or file.stem)
    message = f"{dataset.name} version {dataset.version}, {dataset.bytes:,} bytes, id {dataset.id}"
    create_console().print(Text(message), soft_wrap=True)
