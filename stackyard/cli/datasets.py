"""Commands about datasets."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from stackyard.cli.client_session import DEFAULT_URL, Token, Url, connected


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(upload)


def upload(
    file: Annotated[Path, typer.Argument(help="A .csv, .parquet or .npz file.")],
    name: Annotated[str, typer.Option(help="What specs call it; by default the file's name.")] = "",
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Upload a dataset."""
    with connected(url, token) as client:
        dataset = client.upload(file, name or file.stem)
    Console(highlight=False).print(
        f"{dataset.name} version {dataset.version}, {dataset.bytes:,} bytes, id {dataset.id}", soft_wrap=True
    )
