"""`stackyard check` and `stackyard propose`, and the helpers that read specs and print their warnings."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table
from rich.text import Text

from stackyard.cli.client_session import DEFAULT_URL, Token, TokenFile, Url, open_client_session
from stackyard.cli.command_error import CommandError
from stackyard.cli.input_files import name_input, read_input
from stackyard.cli.output.json_output import print_json
from stackyard.cli.output.units import format_bytes, format_operations
from stackyard.cli.references import DatasetReference
from stackyard.cli.terminal import create_console, print_document
from stackyard.client import Advice

SpecFile = Annotated[
    Path, typer.Argument(help="A spec in JSON; `-` reads standard input.", metavar="SPEC.json", allow_dash=True)
]


def register_commands(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("propose")(propose_spec)
    app.command("check")(check_spec)


def propose_spec(
    dataset: DatasetReference,
    target: Annotated[str, typer.Argument(help="The column or the array to predict.", metavar="TARGET")],
    task: Annotated[
        str | None, typer.Option(help="classification or regression; by default the target decides.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the spec with its baseline and notes as JSON.")
    ] = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Print a small spec to start from. Standard error tells the baseline to beat, and what is left out."""
    with open_client_session(url, token, token_file) as client:
        proposal = client.propose(client.find_dataset(dataset).id, target, task=task)
    if as_json:
        print_json(proposal)
        return
    print_json(proposal["spec"])
    console = create_console(stderr=True, markup=False, soft_wrap=True)
    for note in [*proposal["notes"], proposal["baseline"]["message"]]:
        console.print(note)


def check_spec(
    file: SpecFile,
    as_json: Annotated[bool, typer.Option("--json", help="Print the whole report as JSON.")] = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Check a spec without submitting it. Prints shapes, parameters, memory and warnings, or every error."""
    with open_client_session(url, token, token_file) as client:
        report = client.check(read_spec(file))
    if as_json:
        print_document(json.dumps(report, indent=2) + "\n")
        return
    console = create_console()
    console.print(_build_layer_table(report))
    console.print(_build_totals_table(report))
    print_warnings([Advice.model_validate(warning) for warning in report["warnings"]])


def read_spec(file: Path) -> dict[str, Any]:
    """Read a spec from a file, or from standard input for `-`.

    Raises:
        CommandError: the file cannot be read, or is not JSON.

    """
    try:
        return json.loads(read_input(file))
    except OSError as error:
        raise CommandError(f"Cannot read {file}: {error.strerror}.") from None
    except ValueError as error:
        raise CommandError(f"{name_input(file)} is not JSON: {_describe_error(error)}.") from None


def _describe_error(error: ValueError) -> str:
    """Return what is wrong with text that is not JSON, and the fix if the fault is a common one."""
    if not isinstance(error, json.JSONDecodeError):
        return "expected UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
    from stackyard.spec.reading.json_syntax import describe_syntax_error  # noqa: PLC0415 it loads the language

    message, fix = describe_syntax_error(error)
    return message if fix is None else f"{message}: {fix}"


def print_warnings(warnings: Iterable[Advice]) -> None:
    """Print warnings to standard error."""
    console = create_console(stderr=True)
    for warning in warnings:
        console.print("[yellow]warning[/]", end=" ")
        console.print(f"{warning.pointer or '/'}: {warning.message}: {warning.fix}", markup=False)


def _build_layer_table(report: dict[str, Any]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("layer", "type", "output"):
        table.add_column(title)
    table.add_column("parameters", justify="right")
    table.add_row("input", "", _format_shape(report["input_shape"]), "")
    for layer in report["layers"]:
        shape = _format_shape(layer["output_shape"])
        table.add_row(Text(layer["name"]), Text(layer["type"]), shape, f"{layer['parameters']:,}")
    return table


def _build_totals_table(report: dict[str, Any]) -> Table:
    totals, memory = report["totals"], report["memory"]
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    table.add_row("parameters", f"{totals['parameters']:,}, {totals['trainable_parameters']:,} of them trainable")
    table.add_row("rows", _format_row_counts(report["rows"]))
    table.add_row("memory", f"{format_bytes(memory['total_bytes'])} while training")
    table.add_row("backend", f"{report['backend']['name']}: {report['backend']['reason']}")
    if (flops := report["flops"]["epoch"]) is not None:
        table.add_row("an epoch", format_operations(flops))
    return table


def _format_row_counts(rows: dict[str, int | None]) -> str:
    sets = {name: rows[name] for name in ("train", "validation", "test")}
    text = ", ".join(f"{name} {'?' if count is None else format(count, ',')}" for name, count in sets.items())
    total = rows["total"]
    return f"{text}; {total:,} in all" if total is not None and None in sets.values() else text


def _format_shape(sizes: list[int]) -> str:
    return " x ".join(str(size) for size in sizes) or "1"
