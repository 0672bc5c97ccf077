"""`stackyard whoami`: the user of the token, and what it permits."""

import typer

from stackyard.cli.client_session import DEFAULT_URL, Token, TokenFile, Url, open_client_session
from stackyard.cli.output.json_output import AsJson, print_json
from stackyard.cli.team.output import print_details
from stackyard.client import Account


def register_commands(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("whoami")(show_account)


def show_account(
    as_json: AsJson = False, url: Url = DEFAULT_URL, token: Token = "", token_file: TokenFile = None
) -> None:
    """Show who you are to the server, what your token permits, and in which project you work."""
    with open_client_session(url, token, token_file) as client:
        account = client.account()
    if as_json:
        print_json(account)
    else:
        print_details(_list_details(account))


def _list_details(account: Account) -> dict[str, str]:
    name = account.user.name if account.user else "the server itself, which has no users or this token"
    names = {project.id: project.name for project in account.projects}
    projects = (f"{item.name} ({item.role})" if item.role else item.name for item in account.projects)
    return {
        "user": f"{name}, {account.role}",
        "token permits": account.scope,
        "works in": names.get(account.project, account.project),
        "projects": ", ".join(projects),
    }
