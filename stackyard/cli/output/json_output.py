"""The option `--json`, and what it prints."""

import json
from typing import Annotated, Any

import typer
from pydantic import BaseModel

from stackyard.cli.terminal import print_document

AsJson = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def print_json(value: object, *, indent: int | None = 2) -> None:
    """Print a view of the client, or a document that may contain views, as JSON.

    Args:
        value: what to print.
        indent: spaces of a level; None prints one line.

    """
    print_document(json.dumps(value, indent=indent, default=_convert_view) + "\n")


def _convert_view(value: object) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True)
    return str(value)
