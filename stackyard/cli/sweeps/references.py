"""The argument that names a sweep, and the file that contains one."""

from pathlib import Path
from typing import Annotated

import typer

SweepReference = Annotated[
    str, typer.Argument(help="The sweep: its id, the first characters of it, or its name.", metavar="SWEEP")
]
SweepFile = Annotated[
    Path, typer.Argument(help="A sweep in JSON; `-` reads standard input.", metavar="SWEEP.json", allow_dash=True)
]
