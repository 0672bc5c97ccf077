"""`stackyard users recover`: a new token for an admin who has lost all others."""

from pathlib import Path
from typing import Annotated

import typer

from stackyard.cli.output.json_output import AsJson, print_json
from stackyard.cli.serve import find_server_packages
from stackyard.cli.serving.server_module import DataDir, run_server_module
from stackyard.cli.terminal import strip_control_characters


def register_commands(group: typer.Typer) -> None:
    """Add the command to the group."""
    group.command("recover")(recover_admin)


def recover_admin(
    name: Annotated[str, typer.Argument(help="The name of the user.")],
    revoke_others: Annotated[
        bool, typer.Option("--revoke-others", help="Revoke all other tokens and sessions of the user.")
    ] = False,
    data_dir: DataDir = Path("data"),
    as_json: AsJson = False,
) -> None:
    """Print a new token of a user, and make them an admin who is not disabled.

    It needs no token, because it works on the database itself: run it on the server's machine, with the settings of
    the server. It works whether the server is running or not.
    """
    options = ["--revoke-others"] if revoke_others else []
    arguments = ["service.team", "recover", *options, "--", name]
    result = run_server_module(find_server_packages(), arguments, data_dir)
    if as_json:
        print_json(result)
        return
    typer.echo(f"{result['user']} is an admin. The token, which is not shown again:", err=True)
    typer.echo(strip_control_characters(result["token"]))
