"""`stackyard import`: a Keras model's network in the spec language."""

import io
import lzma
import zipfile
import zlib
from pathlib import Path
from typing import IO, Annotated

import typer

from stackyard.cli.client_session import DEFAULT_URL, Token, TokenFile, Url, open_client_session
from stackyard.cli.command_error import CommandError
from stackyard.cli.input_files import STANDARD_INPUT, name_input, read_input
from stackyard.cli.output.json_output import print_json
from stackyard.cli.terminal import create_console

_CONFIG_NAME = "config.json"
_ZIP_SIGNATURE = b"PK\x03\x04"
_MAX_DOCUMENT_BYTES = 16 * 2**20  # more than any server reads, unless its limits were raised

_READ_ERRORS = (OSError, ValueError, KeyError, RuntimeError, EOFError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)


def register_commands(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("import")(import_network)


def import_network(
    file: Annotated[
        Path,
        typer.Argument(
            help="The output of model.to_json(), or a .keras file; `-` reads standard input.", allow_dash=True
        ),
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print the server's whole answer as JSON.")] = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Print a Keras model's network as a spec writes it. Standard error lists what a spec leaves out."""
    document = _read_architecture(file)
    with open_client_session(url, token, token_file) as client:
        answer = client.import_keras(document)
    if as_json:
        print_json(answer)
        return
    print_json(answer["network"])
    notes = create_console(stderr=True, markup=False, soft_wrap=True)
    for note in answer["left_out"]:
        notes.print(f"left out {note['pointer']}: {note['message']}")


def _read_architecture(file: Path) -> str:
    try:
        if file == STANDARD_INPUT:
            return _read_standard_input().decode()
        content = _read_keras_archive(file) if file.suffix.lower() == ".keras" else _read_json_file(file)
        return content.decode()
    except _READ_ERRORS as error:
        raise CommandError(f"{name_input(file)} cannot be read: {_format_read_error(error)}.") from None


def _read_standard_input() -> bytes:
    content = read_input(STANDARD_INPUT)
    stream = io.BytesIO(content)
    is_archive = content.startswith(_ZIP_SIGNATURE)
    return _read_keras_archive(stream) if is_archive else _read_bounded(stream)


def _read_json_file(file: Path) -> bytes:
    with file.open("rb") as document:
        return _read_bounded(document)


def _read_keras_archive(file: Path | IO[bytes]) -> bytes:
    """Read the architecture from a `.keras` file, which is a zip; the weights stay unread."""
    with zipfile.ZipFile(file) as archive, archive.open(_CONFIG_NAME) as document:
        return _read_bounded(document)


def _read_bounded(document: IO[bytes]) -> bytes:
    """Read a document up to the size limit, without trusting a size that an archive announces."""
    content = document.read(_MAX_DOCUMENT_BYTES + 1)
    if len(content) > _MAX_DOCUMENT_BYTES:
        limit_mib = _MAX_DOCUMENT_BYTES // 2**20
        raise ValueError(f"expected at most {limit_mib} MiB of JSON for a network")
    return content


def _format_read_error(error: Exception) -> str:
    match error:
        case OSError(strerror=str(reason)):
            return reason
        case KeyError():
            return f"it has no {_CONFIG_NAME}, which every .keras file has"
        case UnicodeDecodeError():
            return "it is not JSON in UTF-8"
        case _:
            return str(error)
