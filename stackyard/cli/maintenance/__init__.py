"""Commands for the server's own machine: backups, and an examination of the installation."""

import typer

from stackyard.cli.maintenance import backups, doctor


def register_commands(app: typer.Typer) -> None:
    """Add the commands to the application."""
    backups.register_commands(app)
    doctor.register_commands(app)
