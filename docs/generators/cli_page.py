"""Builds the page on the command line, from the typer application."""

import inspect
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, get_args, get_type_hints

import typer
from typer.models import ArgumentInfo, CommandInfo, OptionInfo

from docs.generators.docstrings import clean_docstring
from docs.generators.markdown import format_generated_note, format_table
from docs.generators.type_descriptions import describe_type
from stackyard.cli import app

INTRODUCTION = """\
# Command line

{note}

`stackyard serve`, `stackyard backup` and `stackyard restore` work on this machine. All other commands talk to a server
over HTTP. `stackyard --help` lists the commands, `stackyard COMMAND --help` explains one, and `stackyard --version`
prints the version. A command that fails prints one message on standard error and exits with status 1."""


SHARED_TITLE = "Options of every command that talks to a server"
SHARED_ANCHOR = SHARED_TITLE.lower().replace(" ", "-")


@dataclass(frozen=True)
class Parameter:
    """An argument or an option of a command, as the page shows it."""

    names: str
    is_option: bool
    takes: str
    default: str
    variable: str
    help: str

    def list_cells(self) -> tuple[str, ...]:
        """Return the cells of the parameter's row."""
        return self.names, self.takes, self.default, self.variable, self.help


def build_cli_page() -> str:
    """Return the page."""
    commands = dict(_list_commands(app))
    parameters = {name: list(_list_parameters(info)) for name, info in commands.items()}
    counts = Counter(parameter for listed in parameters.values() for parameter in listed)
    shared = [parameter for parameter, count in counts.items() if parameter.is_option and count > len(commands) // 2]
    sections = [INTRODUCTION.format(note=format_generated_note("the commands in `stackyard.cli`"))]
    sections += [f"## {SHARED_TITLE}", _format_parameters(shared)]
    for name, info in commands.items():
        sections += _build_command_section(name, info, parameters[name], shared)
    return "\n\n".join(filter(None, sections)) + "\n"


def _list_commands(group: typer.Typer, prefix: str = "") -> Iterator[tuple[str, CommandInfo]]:
    """Yield each command of a group and of the groups in it, by its full name."""
    for info in group.registered_commands:
        yield f"{prefix}{_name_command(info)}", info
    for info in group.registered_groups:
        if info.typer_instance is not None:
            yield from _list_commands(info.typer_instance, f"{prefix}{info.name} ")


def _build_command_section(
    name: str, info: CommandInfo, parameters: list[Parameter], shared: list[Parameter]
) -> Iterator[str]:
    own = [parameter for parameter in parameters if parameter not in shared]
    arguments = [parameter.names.strip("`") for parameter in own if not parameter.is_option]
    yield f"## stackyard {name}"
    yield clean_docstring(_get_callback(info))
    yield f"```text\n{' '.join(['stackyard', name, *arguments, '[OPTIONS]'])}\n```"
    yield _format_parameters(own)
    if len(own) < len(parameters):
        yield f"Also takes the [options of every command that talks to a server](#{SHARED_ANCHOR})."


def _format_parameters(parameters: list[Parameter]) -> str:
    if not parameters:
        return ""
    header = ("argument or option", "takes", "default", "variable", "meaning")
    return format_table(header, [parameter.list_cells() for parameter in parameters])


def _list_parameters(info: CommandInfo) -> Iterator[Parameter]:
    callback = _get_callback(info)
    hints = get_type_hints(callback, include_extras=True)
    for name, parameter in inspect.signature(callback).parameters.items():
        bare, *notes = get_args(hints[name]) or (hints[name],)
        note = next((note for note in notes if isinstance(note, OptionInfo | ArgumentInfo)), None)
        if note is None:
            raise TypeError(f"The parameter {name} of {callback.__name__} is neither an argument nor an option.")
        if note.hidden:
            continue
        yield Parameter(
            names=_format_names(name, note),
            is_option=isinstance(note, OptionInfo),
            takes="" if bare is bool else _describe_parameter(bare, note),
            default=_format_default(parameter.default, note),
            variable=f"`{note.envvar}`" if note.envvar else "",
            help=note.help or "",
        )


def _format_names(name: str, note: OptionInfo | ArgumentInfo) -> str:
    if isinstance(note, ArgumentInfo):
        return f"`{note.metavar or name.upper()}`"
    return ", ".join(f"`{option}`" for option in note.param_decls or [f"--{name.replace('_', '-')}"])


def _describe_parameter(bare: Any, note: OptionInfo | ArgumentInfo) -> str:
    takes = describe_type(bare).removesuffix(", or null")
    if note.min is not None and note.max is not None:
        return f"{takes} from {note.min} to {note.max}"
    return takes if note.min is None else f"{takes} of at least {note.min}"


def _format_default(default: object, note: OptionInfo | ArgumentInfo) -> str:
    if isinstance(note.show_default, str):
        return note.show_default
    if default is inspect.Parameter.empty:
        return "**required**"
    return "" if default is None or default is False or default == "" else f"`{default}`"


def _get_callback(info: CommandInfo) -> Callable[..., Any]:
    if info.callback is None:
        raise typer.BadParameter(f"The command {info.name} has no function.")
    return info.callback


def _name_command(info: CommandInfo) -> str:
    return info.name or _get_callback(info).__name__.replace("_", "-")
