"""Arguments that name a job or a dataset."""

from typing import Annotated

import typer

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


def confirm_deletion(description: str, *, is_confirmed: bool) -> None:
    """Ask whether to delete, and end the command if the answer is no. Without a terminal, it is no.

    Raises:
        typer.Abort: the answer is no.

    """
    if not is_confirmed:
        typer.confirm(f"Delete {description}?", abort=True, err=True)
