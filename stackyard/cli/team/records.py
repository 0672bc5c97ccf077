"""`stackyard usage` and `stackyard audit`: what users used and did."""

from datetime import datetime
from enum import StrEnum
from itertools import islice
from typing import Annotated, cast

import typer
from rich.text import Text

from stackyard.cli.client_session import DEFAULT_URL, Token, TokenFile, Url, open_client_session
from stackyard.cli.output.job_details import format_time
from stackyard.cli.output.json_output import AsJson, print_json
from stackyard.cli.output.tables import print_table
from stackyard.cli.output.units import format_bytes
from stackyard.client import AuditEntry, Usage
from stackyard.client.team.methods import UsageKey

AsCsv = Annotated[bool, typer.Option("--csv", help="Print everything that matches, with all columns, as CSV.")]
_SECONDS_PER_HOUR = 3600
_PAGE_SIZE = 100
_FIRST_REFUSAL = 400
_DAY = ["%Y-%m-%d"]


class _Key(StrEnum):
    USER = "user"
    PROJECT = "project"
    DAY = "day"


def register_commands(app: typer.Typer) -> None:
    """Add the commands to the application."""
    app.command("usage")(list_usage)
    app.command("audit")(list_audit)


def list_usage(
    since: Annotated[datetime | None, typer.Option(formats=_DAY, help="The first day; by default 30 days.")] = None,
    until: Annotated[datetime | None, typer.Option(formats=_DAY, help="The last day; by default today.")] = None,
    by: Annotated[
        list[_Key] | None, typer.Option(help="By what to sum; repeatable. By default user, project.")
    ] = None,
    as_csv: AsCsv = False,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """List hours on devices, jobs, epochs and stored bytes, of you and your projects; of all for an admin."""
    first, last = since and since.date(), until and until.date()
    keys = cast("list[UsageKey]", [key.value for key in by or (_Key.USER, _Key.PROJECT)])
    with open_client_session(url, token, token_file) as client:
        if as_csv:
            client.download_usage(typer.get_binary_stream("stdout"), first=first, last=last, group_by=keys)
            return
        usages = client.usage(first=first, last=last, group_by=keys)
    if as_json:
        print_json(usages)
        return
    rows = [[*(str(getattr(usage, key) or "") for key in keys), *_list_usage_cells(usage)] for usage in usages]
    print_table([*keys, "CPU hours", "GPU hours", "jobs", "epochs", "stored"], rows)


def _list_usage_cells(usage: Usage) -> list[str]:
    return [
        f"{usage.cpu_seconds / _SECONDS_PER_HOUR:,.2f}",
        f"{usage.gpu_seconds / _SECONDS_PER_HOUR:,.2f}",
        f"{usage.jobs:,}",
        f"{usage.epochs:,}",
        format_bytes(usage.bytes),
    ]


def list_audit(
    user: Annotated[str | None, typer.Option(help="Only what this user did.")] = None,
    action: Annotated[str | None, typer.Option(help="Only this action, as the list shows it.")] = None,
    object_id: Annotated[
        str | None, typer.Option("--object", help="Only what was done to the object with this id.")
    ] = None,
    in_project: Annotated[str | None, typer.Option(help="Only what was done in this project.")] = None,
    outcome: Annotated[str | None, typer.Option(help="`accepted` or `refused`.")] = None,
    since: Annotated[str | None, typer.Option(help="The earliest time, as 2026-12-31 or 2026-12-31T12:00.")] = None,
    until: Annotated[str | None, typer.Option(help="The time before which it was.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="The largest number of entries; not of --csv.")] = 50,
    as_csv: AsCsv = False,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """List the writes and the refused requests, newest first, for admins."""
    filters = {"user": user, "action": action, "object": object_id, "project": in_project, "outcome": outcome}
    filters |= {"since": since, "until": until}
    with open_client_session(url, token, token_file) as client:
        if as_csv:
            client.download_audit(typer.get_binary_stream("stdout"), **filters)
            return
        entries = list(islice(client.audit(**filters, limit=min(limit, _PAGE_SIZE)), limit))
    if as_json:
        print_json(entries)
        return
    rows = [
        [
            format_time(entry.at),
            entry.user_name or "",
            entry.token_prefix or "",
            _format_status(entry),
            entry.client or "",
            entry.action,
            entry.object_id or "",
        ]
        for entry in entries
    ]
    print_table(["time", "user", "token", "status", "from", "action", "object"], rows)


def _format_status(entry: AuditEntry) -> Text:
    is_refused = entry.status >= _FIRST_REFUSAL
    return Text(f"{entry.status} {entry.code or ''}".strip(), style="yellow" if is_refused else "")
