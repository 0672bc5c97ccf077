"""Commands for what jobs produce: metrics, comparisons, pictures, files, events and predictions."""

import typer

from stackyard.cli.results import comparison, downloads, events, metrics, pictures, predictions


def register_commands(app: typer.Typer) -> None:
    """Add the commands to the application."""
    for module in (metrics, comparison, pictures, downloads, events, predictions):
        module.register_commands(app)
