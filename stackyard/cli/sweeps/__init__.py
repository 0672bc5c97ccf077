"""`stackyard sweep`: check, run, follow and control sweeps."""

import typer

from stackyard.cli.sweeps import control, listing, running


def register_commands(app: typer.Typer) -> None:
    """Add the group of commands to the application."""
    group = typer.Typer(help="Sweeps: many trials of a spec, searched as one.", no_args_is_help=True)
    running.register_commands(group)
    listing.register_commands(group)
    control.register_commands(group)
    app.add_typer(group, name="sweep")
