"""Commands for datasets."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from stackyard.cli.client_session import DEFAULT_URL, Token, Url, open_client_session


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
    Console(highlight=False).print(
        f"{dataset.name} version {dataset.version}, {dataset.bytes:,} bytes, id {dataset.id}", soft_wrap=True
    )
