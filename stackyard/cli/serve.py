"""`stackyard serve`: a whole server on one machine, as one process tree, without root and without Docker."""

import os
import sys
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from stackyard.cli.command_error import CommandError
from stackyard.cli.serving.server_module import run_server_module
from stackyard.cores import count_usable_cores
from stackyard.descriptors import raise_descriptor_limit
from stackyard.loopback import is_loopback
from stackyard.process_privacy import keep_process_private
from stackyard.secret_files import SecretFileError, read_secret

_SERVER_FILES = {"api": "app.py", "worker": "celery_app.py", "migrations": "__main__.py"}
"""A file of each server package, by the package's name."""


def register_commands(app: typer.Typer) -> None:
    """Add the command to the application."""
    app.command("serve")(run_server)


def run_server(
    host: Annotated[
        str, typer.Option(help="The address to listen on. Any but a loopback address needs users or STACKYARD_TOKEN.")
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port to listen on; 0 picks a free one.")] = 8000,
    data_dir: Annotated[
        Path,
        typer.Option(envvar="STACKYARD_DATA_DIR", help="The directory of the database, datasets, models and logs."),
    ] = Path("data"),
    workers: Annotated[
        int | None,
        typer.Option(min=0, show_default="2, or 1 on a single core", help="How many jobs train at once on the CPU."),
    ] = None,
    gpus: Annotated[int, typer.Option(min=0, help="How many jobs train at once, each on its own GPU.")] = 0,
    threads: Annotated[
        int,
        typer.Option(
            envvar="STACKYARD_THREADS",
            min=0,
            help="Threads for each job; 0 divides the cores among the jobs.",
        ),
    ] = 0,
    token_file: Annotated[
        Path | None,
        typer.Option(envvar="STACKYARD_TOKEN_FILE", help="A file that contains the token of every request."),
    ] = None,
) -> None:
    """Run a whole server: broker, database, API and workers. Ctrl-C stops all of it.

    Other settings come from the environment: STACKYARD_TOKEN, STACKYARD_DATABASE_URL, STACKYARD_BROKER_URL, …
    """
    source_dir = find_server_packages()
    if sys.platform == "win32":
        raise CommandError("`serve` runs on Linux and macOS. On Windows, use WSL or the image.")
    # Imported here: these modules need psutil and fcntl, which the other commands must not require.
    from stackyard.cli.serving.address import PortReservation  # noqa: PLC0415
    from stackyard.cli.serving.data_directory import prepare_data_directory  # noqa: PLC0415
    from stackyard.cli.serving.directory_lock import DirectoryLock, LockHolder  # noqa: PLC0415
    from stackyard.cli.serving.run_state import end_leftover_processes  # noqa: PLC0415
    from stackyard.cli.serving.serve_plan import ServePlan  # noqa: PLC0415
    from stackyard.cli.serving.supervisor import Supervisor  # noqa: PLC0415

    token = _read_token(token_file)
    keep_process_private()
    raise_descriptor_limit()
    console = Console(highlight=False, soft_wrap=True)
    data_dir = data_dir.expanduser().resolve()
    if message := prepare_data_directory(data_dir):
        console.print(message)
    if token is None and not is_loopback(host):
        _check_users_exist(host, source_dir, data_dir)
    with DirectoryLock(data_dir / "serve.lock") as lock:
        lock.write_holder(LockHolder(os.getpid(), "(starting)", _format_current_time()))
        if count := end_leftover_processes(data_dir / "serve.json"):
            console.print(f"ended {count} processes that a killed `serve` had left behind")
        reservation = PortReservation(host, port)
        lock.write_holder(LockHolder(os.getpid(), reservation.address.url, _format_current_time()))
        try:
            workers = _choose_worker_count() if workers is None else workers
            plan = ServePlan(reservation.address, data_dir, source_dir, workers, gpus, threads)
            Supervisor(plan, console).run()
        finally:
            reservation.release()


def _read_token(token_file: Path | None) -> str | None:
    """Return the token of the server; None without one. The processes read the file anew.

    Raises:
        CommandError: the token is blank or unreadable.

    """
    if token_file is not None:
        os.environ["STACKYARD_TOKEN_FILE"] = str(token_file.expanduser().resolve())
    try:
        token = read_secret("STACKYARD_TOKEN")
    except SecretFileError as error:
        raise CommandError(f"{error}.") from None
    if token is not None and not token.strip():
        raise CommandError("STACKYARD_TOKEN is blank, which protects nothing. Set a long random string, or unset it.")
    return token


def _check_users_exist(host: str, source_dir: Path, data_dir: Path) -> None:
    """Check that a server without a token has users, because other machines can reach it.

    Raises:
        CommandError: it has none, or the database cannot be read.

    """
    if run_server_module(source_dir, ["service.team", "has-users"], data_dir) is not True:
        raise CommandError(
            f"--host {host} accepts connections from other machines, and without users or a token every one of them "
            "may use the server. Listen on 127.0.0.1 and add an admin (`stackyard users add NAME --admin`), or set "
            "STACKYARD_TOKEN to a long random string."
        )


def find_server_packages() -> Path:
    """Return the directory that contains the server's packages.

    Raises:
        CommandError: the packages are not here, or one of their dependencies is not installed.

    """
    for package, file in _SERVER_FILES.items():
        if not (_find_package_dir(package) / file).is_file():
            raise CommandError(
                f"`serve` needs the server's code, but there is no {package}/{file} on the Python path: the package "
                "`stackyard` from an index contains only the client. Run `serve` from a checkout (`make serve`) or "
                "from the image (`docker compose up`)."
            )
    missing = [name for name in ("psutil", "uvicorn", "celery", "fastapi") if find_spec(name) is None]
    if missing:
        raise CommandError(f"`serve` needs {', '.join(missing)}. In a checkout, `make install` installs them.")
    return _find_package_dir("api").resolve().parent


def _choose_worker_count() -> int:
    """Return 2, or 1 on a single core. docs/design/engine.md explains the choice."""
    return min(2, count_usable_cores())


def _find_package_dir(package: str) -> Path:
    """Return a package's directory without importing it; a path that does not exist if there is no such package."""
    spec = find_spec(package)
    locations = (spec and spec.submodule_search_locations) or [f"(no {package})"]
    return Path(next(iter(locations)))


def _format_current_time() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
