"""Commands that change a sweep: cancel, pause, resume, finish, delete."""

from typing import Annotated

import typer

from stackyard.cli.client_session import DEFAULT_URL, Token, TokenFile, Url, open_client_session
from stackyard.cli.output.json_output import AsJson, print_json
from stackyard.cli.references import IsConfirmed, confirm_deletion
from stackyard.cli.sweeps.details import build_sweep_view
from stackyard.cli.sweeps.references import SweepReference
from stackyard.cli.terminal import create_console, strip_control_characters
from stackyard.client import Sweep


def register_commands(group: typer.Typer) -> None:
    """Add the commands to the group."""
    group.command("cancel")(cancel_sweep)
    group.command("pause")(pause_sweep)
    group.command("resume")(resume_sweep)
    group.command("finish")(finish_sweep)
    group.command("delete")(delete_sweep)


def cancel_sweep(
    sweep: SweepReference,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Cancel a sweep and its jobs."""
    with open_client_session(url, token, token_file) as client:
        _print_sweep(client.find_sweep(sweep).cancel(), as_json=as_json)


def pause_sweep(
    sweep: SweepReference,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Pause a sweep and its jobs: waiting jobs at once, running ones after their next checkpoint."""
    with open_client_session(url, token, token_file) as client:
        _print_sweep(client.find_sweep(sweep).pause(), as_json=as_json)


def resume_sweep(
    sweep: SweepReference,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Let a paused sweep and its jobs go on."""
    with open_client_session(url, token, token_file) as client:
        _print_sweep(client.find_sweep(sweep).resume(), as_json=as_json)


def finish_sweep(
    sweep: SweepReference,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """End a search: no more trials start, and the sweep succeeds when those that have started have ended."""
    with open_client_session(url, token, token_file) as client:
        _print_sweep(client.find_sweep(sweep).finish(), as_json=as_json)


def delete_sweep(
    sweep: SweepReference,
    keep_jobs: Annotated[bool, typer.Option("--keep-jobs", help="Keep the jobs that have ended.")] = False,
    is_confirmed: IsConfirmed = False,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Delete a sweep with its trials and its jobs, in whatever state it is."""
    with open_client_session(url, token, token_file) as client:
        deleted = client.find_sweep(sweep)
        title = strip_control_characters(f"the {deleted.state} sweep {deleted.name or ''} {deleted.id}")
        confirm_deletion(" ".join(title.split()), is_confirmed=is_confirmed)
        deleted.delete(keep_jobs=keep_jobs)
    if as_json:
        print_json({"deleted": deleted.id})
    else:
        typer.echo(f"deleted {strip_control_characters(deleted.id)}")


def _print_sweep(sweep: Sweep, *, as_json: bool) -> None:
    if as_json:
        print_json(sweep)
    else:
        create_console().print(build_sweep_view(sweep, []))
