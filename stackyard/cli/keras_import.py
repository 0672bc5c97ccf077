"""Commands about networks that Keras wrote down."""

import json
import lzma
import zipfile
import zlib
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from stackyard.cli.client_session import DEFAULT_URL, Token, Url, connected
from stackyard.cli.command_error import CommandError

_CONFIG = "config.json"
_MOST_BYTES = 16 * 2**20
"""Of a document that is worth sending: more than any server reads unless its limits were raised."""

_UNREADABLE = (OSError, ValueError, KeyError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("import")(import_network)


def import_network(
    file: Annotated[Path, typer.Argument(help="What model.to_json() gave, or a .keras file.")],
    url: Url = DEFAULT_URL,
    token: Token = "",
) -> None:
    """Print a Keras model's network as a spec has it; what a spec leaves out goes to standard error."""
    document = _read(file)
    with connected(url, token) as client:
        answer = client.import_keras(document)
    typer.echo(json.dumps(answer["network"], indent=2))
    notes = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
    for note in answer["left_out"]:
        notes.print(f"left out {note['pointer']}: {note['message']}")


def _read(file: Path) -> str:
    try:
        content = _config(file) if file.suffix.lower() == ".keras" else _bounded(file)
        return content.decode()
    except _UNREADABLE as error:
        raise CommandError(f"Cannot read {file}: {_reason(error)}.") from None


def _bounded(file: Path) -> bytes:
    with file.open("rb") as document:
        return _checked(document.read(_MOST_BYTES + 1), file)


def _config(file: Path) -> bytes:
    """The architecture in a .keras file, a zip whose announced sizes are not believed; the weights stay unread."""
    with zipfile.ZipFile(file) as archive, archive.open(_CONFIG) as document:
        return _checked(document.read(_MOST_BYTES + 1), file)


def _checked(content: bytes, file: Path) -> bytes:
    if len(content) > _MOST_BYTES:
        raise CommandError(f"Cannot read {file}: more than {_MOST_BYTES // 2**20} MiB of JSON are no network.")
    return content


def _reason(error: Exception) -> str:
    match error:
        case OSError(strerror=str(reason)):
            return reason
        case KeyError():
            return f"it holds no {_CONFIG}, as a .keras file does"
        case UnicodeDecodeError():
            return "it is not JSON in UTF-8"
        case _:
            return str(error)
