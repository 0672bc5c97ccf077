"""The commands of a team's server: users, tokens, projects, and what they did and used."""

import typer

from stackyard.cli.team import account, projects, records, tokens, users


def register_commands(app: typer.Typer) -> None:
    """Add the commands to the application."""
    account.register_commands(app)
    users.register_commands(app)
    tokens.register_commands(app)
    projects.register_commands(app)
    records.register_commands(app)
