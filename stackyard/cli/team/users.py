"""`stackyard users`: the users of a team's server, for admins."""

from typing import Annotated, Any, cast

import typer

from stackyard.cli.client_session import DEFAULT_URL, Token, TokenFile, Url, open_client_session
from stackyard.cli.command_error import CommandError
from stackyard.cli.output.job_details import format_time
from stackyard.cli.output.json_output import AsJson, print_json
from stackyard.cli.output.tables import print_table
from stackyard.cli.references import IsConfirmed, confirm_deletion
from stackyard.cli.team import recovery
from stackyard.cli.team.output import format_limit, format_optional_time, print_details, print_new_token
from stackyard.client import User
from stackyard.client.team.methods import UserChanges, UserOptions

UserReference = Annotated[str, typer.Argument(help="The user: the name or the id.", metavar="USER")]
Shares = Annotated[float | None, typer.Option(min=0.0, help="The weight in the fair share; 1 by default.")]
MaxRunning = Annotated[str | None, typer.Option(help="The most jobs that run at once; `none` for no limit.")]
MaxQueued = Annotated[str | None, typer.Option(help="The most jobs that wait; `none` for no limit.")]
MaxBytes = Annotated[str | None, typer.Option(help="The most bytes of datasets and artifacts; `none` for no limit.")]
OidcSubject = Annotated[
    str | None, typer.Option(help="The identity that may log in as the user: `ISSUER SUBJECT`; empty for none.")
]


def register_commands(app: typer.Typer) -> None:
    """Add the group of commands to the application."""
    group = typer.Typer(help="Users of a team's server, for admins.", no_args_is_help=True)
    group.command("add")(add_user)
    group.command("list")(list_users)
    group.command("show")(show_user)
    group.command("change")(change_user)
    group.command("disable")(disable_user)
    group.command("enable")(enable_user)
    group.command("delete")(delete_user)
    recovery.register_commands(group)
    app.add_typer(group, name="users")


def add_user(
    name: Annotated[str, typer.Argument(help="Letters, digits, and `.`, `_`, `@`, `-` inside.")],
    admin: Annotated[bool, typer.Option("--admin", help="Let the user see and change everything.")] = False,
    shares: Shares = None,
    max_running: MaxRunning = None,
    max_queued: MaxQueued = None,
    max_bytes: MaxBytes = None,
    oidc_subject: OidcSubject = None,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Add a user, and print their first token, which is shown once.

    The first user must be an admin. From then on, every request needs a token.
    """
    options = _collect_changes(admin or None, shares, max_running, max_queued, max_bytes, oidc_subject)
    with open_client_session(url, token, token_file) as client:
        user = client.add_user(name, **options)
    if as_json:
        print_json(user)
        return
    typer.echo(f"added {user.name}, {user.role}, id {user.id}", err=True)
    print_new_token(user.token)


def list_users(
    as_json: AsJson = False, url: Url = DEFAULT_URL, token: Token = "", token_file: TokenFile = None
) -> None:
    """List the users, newest first, with their shares and limits."""
    with open_client_session(url, token, token_file) as client:
        users = list(client.users())
    if as_json:
        print_json(users)
        return
    rows = [
        [
            user.name,
            user.role,
            f"{user.shares:g}",
            format_limit(user.max_running),
            format_limit(user.max_queued),
            format_limit(user.max_bytes),
            format_time(user.created_at),
            format_optional_time(user.disabled_at),
        ]
        for user in users
    ]
    print_table(["name", "role", "shares", "runs at once", "waits", "bytes", "created", "disabled"], rows)


def show_user(
    user: UserReference,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Show a user."""
    with open_client_session(url, token, token_file) as client:
        details = client.user(user)
    _print_user(details, as_json=as_json)


def change_user(
    user: UserReference,
    name: Annotated[str | None, typer.Option(help="A new name.")] = None,
    admin: Annotated[bool | None, typer.Option("--admin/--member", help="The role.", show_default="unchanged")] = None,
    shares: Shares = None,
    max_running: MaxRunning = None,
    max_queued: MaxQueued = None,
    max_bytes: MaxBytes = None,
    oidc_subject: OidcSubject = None,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Change a user: the name, the role, the shares or the limits. It takes effect at once."""
    changes: UserChanges = {**_collect_changes(admin, shares, max_running, max_queued, max_bytes, oidc_subject)}
    if name is not None:
        changes["name"] = name
    with open_client_session(url, token, token_file) as client:
        _print_user(client.change_user(user, **changes), as_json=as_json)


def disable_user(
    user: UserReference,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Refuse the tokens and the sessions of a user, at once. Their jobs go on."""
    with open_client_session(url, token, token_file) as client:
        _print_user(client.change_user(user, disabled=True), as_json=as_json)


def enable_user(
    user: UserReference,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Accept the tokens of a user again who was disabled."""
    with open_client_session(url, token, token_file) as client:
        _print_user(client.change_user(user, disabled=False), as_json=as_json)


def delete_user(
    user: UserReference,
    is_confirmed: IsConfirmed = False,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Delete a user with their tokens. Their jobs, datasets and sweeps stay in their projects."""
    with open_client_session(url, token, token_file) as client:
        details = client.user(user)
        confirm_deletion(f"the user {details.name} with all tokens", is_confirmed=is_confirmed)
        client.delete_user(details.id)
    if as_json:
        print_json({"deleted": details.id})
    else:
        typer.echo(f"deleted {details.name}")


def _collect_changes(
    is_admin: bool | None,
    shares: float | None,
    max_running: str | None,
    max_queued: str | None,
    max_bytes: str | None,
    oidc_subject: str | None,
) -> UserOptions:
    limits = {"max_running": max_running, "max_queued": max_queued, "max_bytes": max_bytes}
    changes: dict[str, Any] = {name: _parse_limit(text) for name, text in limits.items() if text is not None}
    if is_admin is not None:
        changes["role"] = "admin" if is_admin else "member"
    if shares is not None:
        changes["shares"] = shares
    if oidc_subject is not None:
        changes["oidc_subject"] = oidc_subject or None
    return cast("UserOptions", changes)


def _parse_limit(text: str) -> int | None:
    """Return a limit, or None for no limit.

    Raises:
        CommandError: the text is neither a number nor `none`.

    """
    if text == "none":
        return None
    if not text.isascii() or not text.isdigit():
        raise CommandError(f"Expected a number or `none` for a limit, received {text!a}.")
    return int(text)


def _print_user(user: User, *, as_json: bool) -> None:
    if as_json:
        print_json(user)
        return
    print_details(
        {
            "user": f"{user.name}, {user.role}, id {user.id}",
            "shares": f"{user.shares:g}",
            "runs at once": format_limit(user.max_running) or "no limit",
            "waits": format_limit(user.max_queued) or "no limit",
            "bytes": format_limit(user.max_bytes) or "no limit",
            "identity": user.oidc_subject or "none",
            "created": format_time(user.created_at),
            "disabled": format_optional_time(user.disabled_at) or "no",
        }
    )
