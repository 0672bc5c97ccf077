"""`stackyard serve`: everything on one machine, as one process tree, with no root and no Docker."""

import os
import sys
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from stackyard.cli.command_error import CommandError
from stackyard.cores import count_usable_cores

_ROOMS = {"api": "app.py", "worker": "entry.py", "migrations": "__main__.py"}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(serve)


def serve(
    host: Annotated[str, typer.Option(help="Other than loopback needs STACKYARD_TOKEN.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 picks a free one.")] = 8000,
    data_dir: Annotated[
        Path, typer.Option(envvar="STACKYARD_DATA_DIR", help="Database, datasets, models and logs.")
    ] = Path("data"),
    workers: Annotated[
        int | None,
        typer.Option(min=0, show_default="2, or 1 on a single core", help="Jobs that train at once on CPU cores."),
    ] = None,
    gpus: Annotated[int, typer.Option(min=0, help="Jobs that train at once, each on its own GPU.")] = 0,
    threads: Annotated[
        int,
        typer.Option(
            envvar="STACKYARD_THREADS", min=0, help="TensorFlow's in each; 0 shares the cores out among them."
        ),
    ] = 0,
) -> None:
    """Run a whole server: broker, database, API and workers. Ctrl-C stops all of it.

    Other settings come from the environment: STACKYARD_TOKEN, STACKYARD_DATABASE_URL, STACKYARD_BROKER_URL, …
    """
    rooms = find_rooms()
    if sys.platform == "win32":
        raise CommandError("`serve` runs on Linux and macOS. On Windows, use WSL or the image.")
    # Here and not above: these need psutil and fcntl, which the other commands must not.
    from stackyard.cli.serving.address import Reservation, is_loopback  # noqa: PLC0415
    from stackyard.cli.serving.directory_lock import DirectoryLock, Holder  # noqa: PLC0415
    from stackyard.cli.serving.run_state import end_leftovers  # noqa: PLC0415
    from stackyard.cli.serving.supervisor import Plan, Supervisor  # noqa: PLC0415

    if not is_loopback(host) and not os.environ.get("STACKYARD_TOKEN"):
        raise CommandError(
            f"--host {host} lets other machines in, and without a token whoever reaches the port may use the "
            "server. Set STACKYARD_TOKEN to a long random string, or listen on 127.0.0.1."
        )
    console = Console(highlight=False, soft_wrap=True)
    data_dir = _make(data_dir.expanduser().resolve())
    with DirectoryLock(data_dir / "serve.lock") as lock:
        lock.announce(Holder(os.getpid(), "(starting)", _now()))
        if number := end_leftovers(data_dir / "serve.json"):
            console.print(f"ended {number} processes that a killed `serve` had left behind")
        reservation = Reservation(host, port)
        lock.announce(Holder(os.getpid(), reservation.address.url, _now()))
        try:
            plan = Plan(reservation.address, data_dir, rooms, _children(workers), gpus, threads)
            Supervisor(plan, console).run()
        finally:
            reservation.release()


def _children(workers: int | None) -> int:
    """As many as were asked for; else two on half the cores each: docs/engine.md has what was measured."""
    return min(2, count_usable_cores()) if workers is None else workers


def find_rooms() -> Path:
    """The directory that holds the server's packages.

    Raises:
        CommandError: they are not here, or what they need is not installed.

    """
    for room, file in _ROOMS.items():
        if not (_folder(room) / file).is_file():
            raise CommandError(
                f"`serve` needs the server's code, and there is no {room}/{file} on the path: the package "
                "`stackyard` from an index carries the client alone. Run it from a checkout (`make serve`) "
                "or from the image (`docker compose up`)."
            )
    missing = [name for name in ("psutil", "uvicorn", "celery", "fastapi") if find_spec(name) is None]
    if missing:
        raise CommandError(f"`serve` needs {', '.join(missing)}. In a checkout, `make install` installs them.")
    return _folder("api").resolve().parent


def _folder(package: str) -> Path:
    """Where a package lies, looked up without importing it; a path that does not exist if there is none."""
    spec = find_spec(package)
    folders = (spec and spec.submodule_search_locations) or [f"(no {package})"]
    return Path(next(iter(folders)))


def _make(directory: Path) -> Path:
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise CommandError(f"Cannot make the data directory {directory}: {error.strerror}.") from None
    if not os.access(directory, os.W_OK):
        raise CommandError(f"Cannot write to the data directory {directory}.")
    return directory


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
