"""Commands for what a job produces: its metrics, pictures, files, events and predictions."""

import typer

from stackyard.cli.results import downloads, events, metrics, pictures, predictions


def register_commands(app: typer.Typer) -> None:
    """Add the commands to the application."""
    for module in (metrics, pictures, downloads, events, predictions):
        module.register_commands(app)
