"""`stackyard sweep list`: the list of sweeps."""

from itertools import islice
from typing import Annotated

import typer
from rich.text import Text

from stackyard.cli.client_session import DEFAULT_URL, Token, TokenFile, Url, open_client_session
from stackyard.cli.output.job_details import format_time
from stackyard.cli.output.json_output import AsJson, print_json
from stackyard.cli.output.tables import print_table, shorten_ids
from stackyard.cli.references import InProject, IsMine, Owner, choose_owner
from stackyard.cli.sweeps.details import format_number, format_state
from stackyard.cli.terminal import create_console
from stackyard.client import Sweep

_PAGE_SIZE = 100


def register_commands(group: typer.Typer) -> None:
    """Add the command to the group."""
    group.command("list")(list_sweeps)


def list_sweeps(
    state: Annotated[str | None, typer.Option(help="Only sweeps in this state.")] = None,
    name: Annotated[str | None, typer.Option(help="Only sweeps of this name.")] = None,
    owner: Owner = None,
    mine: IsMine = False,
    project: InProject = None,
    limit: Annotated[int, typer.Option(min=1, help="The largest number of sweeps to list.")] = 20,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """List sweeps, newest first."""
    with open_client_session(url, token, token_file) as client:
        filters = {"name": name, "owner": choose_owner(owner, is_mine=mine), "project": project}
        sweeps = list(islice(client.list_sweeps(state=state, **filters, limit=min(limit, _PAGE_SIZE)), limit))
    if as_json:
        print_json(sweeps)
        return
    ids = [sweep.id for sweep in sweeps]
    if create_console().is_terminal:
        ids = shorten_ids(ids)
    rows = [[sweep_id, *_list_cells(sweep)] for sweep_id, sweep in zip(ids, sweeps, strict=True)]
    print_table(["id", "name", "state", "method", "ended", "created", "best"], rows)


def _list_cells(sweep: Sweep) -> list[str | Text]:
    best = "" if sweep.best_value is None else f"{sweep.objective.metric} {format_number(sweep.best_value.value)}"
    ended = f"{sweep.counts.ended}/{sweep.budget.trials or sweep.counts.total}"
    return [sweep.name or "", format_state(sweep.state), sweep.method, ended, format_time(sweep.created_at), best]
