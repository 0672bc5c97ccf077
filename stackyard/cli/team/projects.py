"""`stackyard projects`: projects and their members."""

from enum import StrEnum
from typing import Annotated

import typer

from stackyard.cli.client_session import DEFAULT_URL, Token, TokenFile, Url, open_client_session
from stackyard.cli.output.job_details import format_time
from stackyard.cli.output.json_output import AsJson, print_json
from stackyard.cli.output.tables import print_table
from stackyard.cli.references import IsConfirmed, confirm_deletion
from stackyard.cli.team.output import print_details
from stackyard.cli.team.users import UserReference
from stackyard.client import ProjectDetails

ProjectReference = Annotated[str, typer.Argument(help="The project: its name or its id.", metavar="PROJECT")]


class _Role(StrEnum):
    VIEWER = "viewer"
    EDITOR = "editor"
    OWNER = "owner"


def register_commands(app: typer.Typer) -> None:
    """Add the group of commands to the application."""
    group = typer.Typer(help="Projects: their members see the same jobs, datasets and sweeps.", no_args_is_help=True)
    group.command("add")(add_project)
    group.command("list")(list_projects)
    group.command("show")(show_project)
    group.command("rename")(rename_project)
    group.command("delete")(delete_project)
    members = typer.Typer(help="Members of a project.", no_args_is_help=True)
    members.command("add")(add_member)
    members.command("remove")(remove_member)
    group.add_typer(members, name="members")
    app.add_typer(group, name="projects")


def add_project(
    name: Annotated[str, typer.Argument(help="Letters, digits, and `.`, `_`, `@`, `-` inside.")],
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Add a project, for admins. You become its owner."""
    with open_client_session(url, token, token_file) as client:
        _print_project(client.add_project(name), as_json=as_json)


def list_projects(
    as_json: AsJson = False, url: Url = DEFAULT_URL, token: Token = "", token_file: TokenFile = None
) -> None:
    """List the projects that you see, with your role in each."""
    with open_client_session(url, token, token_file) as client:
        projects = client.projects()
    if as_json:
        print_json(projects)
        return
    rows = [[item.name, item.role or "", item.id, format_time(item.created_at)] for item in projects]
    print_table(["name", "your role", "id", "created"], rows)


def show_project(
    project: ProjectReference,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Show a project with its members."""
    with open_client_session(url, token, token_file) as client:
        _print_project(client.project(project), as_json=as_json)


def rename_project(
    project: ProjectReference,
    name: Annotated[str, typer.Argument(help="The new name.")],
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Change the name of a project, for admins."""
    with open_client_session(url, token, token_file) as client:
        _print_project(client.rename_project(project, name), as_json=as_json)


def delete_project(
    project: ProjectReference,
    is_confirmed: IsConfirmed = False,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Delete a project that has no jobs, datasets and sweeps, for its owners."""
    with open_client_session(url, token, token_file) as client:
        details = client.project(project)
        confirm_deletion(f"the project {details.name}", is_confirmed=is_confirmed)
        client.delete_project(details.id)
    if as_json:
        print_json({"deleted": details.id})
    else:
        typer.echo(f"deleted {details.name}")


def add_member(
    project: ProjectReference,
    user: UserReference,
    role: Annotated[_Role, typer.Option(help="What the member may do.")] = _Role.EDITOR,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Add a user to a project, or change their role: viewers see, editors submit and change, owners add members."""
    with open_client_session(url, token, token_file) as client:
        details = client.set_member(project, user, role.value)
        _print_project(details, as_json=as_json)


def remove_member(
    project: ProjectReference,
    user: UserReference,
    as_json: AsJson = False,
    url: Url = DEFAULT_URL,
    token: Token = "",
    token_file: TokenFile = None,
) -> None:
    """Remove a user from a project. Their jobs, datasets and sweeps stay in it."""
    with open_client_session(url, token, token_file) as client:
        client.remove_member(project, user)
        _print_project(client.project(project), as_json=as_json)


def _print_project(project: ProjectDetails, *, as_json: bool) -> None:
    if as_json:
        print_json(project)
        return
    members = ", ".join(f"{member.name} ({member.role})" for member in project.members)
    print_details(
        {"project": f"{project.name}, id {project.id}", "created": format_time(project.created_at), "members": members}
    )
