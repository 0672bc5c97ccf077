"""`stackyard tokens`: create, list, rotate and revoke tokens."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated

import typer

from stackyard.cli.client_session import DEFAULT_URL, TokenFile, Url, open_client_session
from stackyard.cli.client_session import Token as TokenOption
from stackyard.cli.output.job_details import format_time
from stackyard.cli.output.json_output import AsJson, print_json
from stackyard.cli.output.tables import print_table
from stackyard.cli.team.output import format_optional_time, print_new_token
from stackyard.cli.terminal import strip_control_characters
from stackyard.client import Token

TokenReference = Annotated[
    str, typer.Argument(help="The token: the characters that `list` shows, its name, or its id.", metavar="TOKEN")
]
_User = Annotated[str | None, typer.Option("--user", help="For admins: the user whose token it is.")]
_SECONDS_PER_HOUR, _HOURS_PER_DAY = 3600, 24


class _Scope(StrEnum):
    READ = "read"
    SUBMIT = "submit"
    ADMIN = "admin"


def register_commands(app: typer.Typer) -> None:
    """Add the group of commands to the application."""
    group = typer.Typer(help="Your tokens: create, list, rotate and revoke them.", no_args_is_help=True)
    group.command("create")(create_token)
    group.command("list")(list_tokens)
    group.command("rotate")(rotate_token)
    group.command("revoke")(revoke_token)
    app.add_typer(group, name="tokens")


def create_token(
    name: Annotated[str, typer.Argument(help="A name by which you recognize the token.")],
    scope: Annotated[_Scope, typer.Option(help="What the token permits.")] = _Scope.SUBMIT,
    in_project: Annotated[
        str | None, typer.Option(help="The only project that it gives access to, by name or id.")
    ] = None,
    days: Annotated[float | None, typer.Option(min=0.0, help="Days until it expires.", show_default="never")] = None,
    user: Annotated[str | None, typer.Option(help="For admins: the user whom the token is for.")] = None,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: TokenOption = "",
    token_file: TokenFile = None,
) -> None:
    """Create a token and print it. It is shown once."""
    expires_at = None if days is None else datetime.now(UTC) + timedelta(days=days)
    with open_client_session(url, token, token_file) as client:
        new_token = client.create_token(name, scope=scope.value, project=in_project, expires_at=expires_at, user=user)
    if as_json:
        print_json(new_token)
    else:
        print_new_token(new_token)


def list_tokens(
    user: Annotated[str | None, typer.Option(help="For admins: the user whose tokens are listed.")] = None,
    show_all: Annotated[bool, typer.Option("--all", help="Also revoked and expired tokens, and browsers.")] = False,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: TokenOption = "",
    token_file: TokenFile = None,
) -> None:
    """List your tokens, newest first: what each permits, when it was used, and when it expires."""
    with open_client_session(url, token, token_file) as client:
        tokens = [item for item in client.tokens(user=user) if show_all or _is_valid_personal_token(item)]
    if as_json:
        print_json(tokens)
        return
    print_table(
        ["token", "name", "permits", "created", "last used", "expires", "revoked"],
        [
            [
                f"{item.prefix}…" if item.kind == "personal" else "(browser)",
                item.name,
                item.scope,
                format_time(item.created_at),
                format_optional_time(item.last_used_at),
                format_optional_time(item.expires_at),
                format_optional_time(item.revoked_at),
            ]
            for item in tokens
        ],
    )


def rotate_token(
    reference: TokenReference,
    user: _User = None,
    overlap_hours: Annotated[float, typer.Option(min=0.0, help="Hours for which the old token stays valid.")] = float(
        _HOURS_PER_DAY
    ),
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: TokenOption = "",
    token_file: TokenFile = None,
) -> None:
    """Replace a token by a new one with the same properties, and print it. The old one stays valid for a time."""
    with open_client_session(url, token, token_file) as client:
        old_token = client.find_token(reference.rstrip("…"), user=user)
        new_token = client.rotate_token(old_token.id, overlap_s=overlap_hours * _SECONDS_PER_HOUR)
    if as_json:
        print_json(new_token)
    else:
        print_new_token(new_token)


def revoke_token(
    reference: TokenReference,
    user: _User = None,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: TokenOption = "",
    token_file: TokenFile = None,
) -> None:
    """Revoke a token at once, with the sessions of browsers that it started."""
    with open_client_session(url, token, token_file) as client:
        old_token = client.find_token(reference.rstrip("…"), user=user)
        client.revoke_token(old_token.id)
    if as_json:
        print_json({"revoked": old_token.id})
    else:
        typer.echo(strip_control_characters(f"revoked {old_token.prefix}… {old_token.name}"))


def _is_valid_personal_token(token: Token) -> bool:
    has_expired = token.expires_at is not None and token.expires_at <= datetime.now(UTC)
    return token.kind == "personal" and token.revoked_at is None and not has_expired
