"""Arguments that name a job or a dataset, and options that choose the owner and the project of a list."""

from typing import Annotated

import typer

from stackyard.cli.command_error import CommandError

JobReference = Annotated[
    str, typer.Argument(help="The job: its id, the first characters of it, or its name.", metavar="JOB")
]
DatasetReference = Annotated[
    str,
    typer.Argument(
        help="The dataset: its id, the first characters of it, or its name, for the newest version.",
        metavar="DATASET",
    ),
]
IsConfirmed = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]

Owner = Annotated[str | None, typer.Option(help="Only those of this user, by name or id; `me` for your own.")]
IsMine = Annotated[bool, typer.Option("--mine", help="Only your own; the same as `--owner me`.")]
InProject = Annotated[str | None, typer.Option(help="Only those of this project, by name or id.")]


def choose_owner(owner: str | None, *, is_mine: bool) -> str | None:
    """Return the owner by whom a list is filtered; None for all.

    Raises:
        CommandError: both options are given, for different owners.

    """
    if is_mine and owner not in {None, "me"}:
        raise CommandError("--mine and --owner choose different users; give one of them.")
    return "me" if is_mine else owner


def confirm_deletion(description: str, *, is_confirmed: bool) -> None:
    """Ask whether to delete, and end the command if the answer is no. Without a terminal, it is no.

    Raises:
        typer.Abort: the answer is no.

    """
    if not is_confirmed:
        typer.confirm(f"Delete {description}?", abort=True, err=True)
