"""Fixtures of real services: migrated databases of both kinds, a broker, S3, and the API on top of them."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import httpx2
import psycopg
import pytest
from fastapi.testclient import TestClient
from sqlalchemy.engine import make_url

from api.app import create_app
from migrations.upgrade import upgrade_database
from service.datasets.catalog import ensure_builtins
from service.db.database import SessionFactory
from service.settings import Settings
from service.storage.artifact_store import ArtifactStore
from stackyard.cli.serving import broker
from tests.polling import wait_until
from tests.servers.local_server import server as server  # noqa: PLC0414  # a fixture, shared by the tests of several directories
from tests.servers.postgres import Postgres

SHARED = Path(__file__).parents[2] / "shared"
"""Reference specs and datasets beside the checkout, which exist only where the project is developed."""

LOCAL_URL = "http://127.0.0.1"
"""The base URL of clients in this process: without a token, the API answers only for loopback hosts."""


_STARTED_AT = time.monotonic()
_SERVER_BYTES = 2 * 2**30
"""Free bytes that the PostgreSQL server of a test process may need; most of it is for the log of changes."""


def pytest_addoption(parser):
    parser.addoption(
        "--time-budget",
        type=float,
        metavar="SECONDS",
        help="skip the exhaustive tests that would start later than this many seconds after the start of the run",
    )


def pytest_collection_modifyitems(items):
    """Run the exhaustive tests last, so that a time budget skips only these."""
    items.sort(key=lambda item: item.get_closest_marker("exhaustive") is not None)


def pytest_runtest_setup(item):
    budget = item.config.getoption("time_budget")
    is_late = budget is not None and time.monotonic() - _STARTED_AT > budget
    if is_late and item.get_closest_marker("exhaustive") is not None:
        pytest.skip("the time budget of this run is used up")


def require_shared_file(path: str) -> Path:
    """Return the path of a file of the development data; skip the test if it does not exist."""
    if not (SHARED / path).exists():
        pytest.skip(f"the development data ({path}) is not beside this checkout")
    return SHARED / path


@pytest.fixture(autouse=True)
def _clear_settings(monkeypatch):
    """Remove the settings of the user's environment."""
    for name in [name for name in os.environ if name.startswith("STACKYARD_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("template")
    upgrade_database(Settings(data_dir=directory))
    return directory / "stackyard.db"


@pytest.fixture(scope="session")
def postgres_admin_url() -> Iterator[str]:
    """The URL of a PostgreSQL server on a unix socket, one per test process."""
    with TemporaryDirectory(prefix="pg-", dir=_choose_server_root()) as directory:
        server = Postgres(Path(directory))
        yield server.admin_url
        server.close()


def _choose_server_root() -> str:
    """Return a directory in memory if there is room: on a disk, the creation of a database takes many times longer.

    Its path is short, because the path of a socket has at most 107 bytes.
    """
    root = Path("/dev/shm")  # noqa: S108  # TemporaryDirectory creates a private directory in either
    return str(root) if root.is_dir() and shutil.disk_usage(root).free > _SERVER_BYTES else "/tmp"  # noqa: S108


@pytest.fixture(scope="session")
def postgres_template(postgres_admin_url, tmp_path_factory) -> str:
    """The name of a migrated template database."""
    with psycopg.connect(postgres_admin_url, autocommit=True) as connection:
        connection.execute("CREATE DATABASE template_stackyard")
    url = _build_psycopg_url(postgres_admin_url, "template_stackyard")
    upgrade_database(Settings(data_dir=tmp_path_factory.mktemp("pg-template"), database_url=url))
    return "template_stackyard"


@pytest.fixture
def sqlite_url(sqlite_template, tmp_path) -> str:
    shutil.copy(sqlite_template, tmp_path / "stackyard.db")
    return f"sqlite:///{tmp_path / 'stackyard.db'}"


@pytest.fixture
def postgres_url(postgres_admin_url, postgres_template) -> Iterator[str]:
    name = f"test_{uuid4().hex}"
    with psycopg.connect(postgres_admin_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name} TEMPLATE {postgres_template}".encode())
        yield _build_psycopg_url(postgres_admin_url, name)
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture(params=["sqlite", "postgres"])
def either_url(request) -> str:
    """The URL of a migrated, empty database; the test runs once on each kind."""
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture(scope="session")
def broker_url() -> Iterator[str]:
    """The URL of a real Valkey on a unix socket."""
    with TemporaryDirectory(prefix="vk-", dir="/tmp") as directory:
        path = broker.prepare_socket_path(Path(directory))
        process = subprocess.Popen(broker.build_broker_command(path), stdout=subprocess.DEVNULL)
        try:
            wait_until(lambda: broker.is_up(path))
            yield broker.build_broker_url(path)
        finally:
            process.terminate()
            process.wait()


@pytest.fixture(scope="session")
def s3_endpoint() -> Iterator[str]:
    """The URL of a server that speaks S3's protocol over HTTP."""
    from moto.server import ThreadedMotoServer  # noqa: PLC0415 loads slowly, and few tests need it

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(s3_endpoint, monkeypatch) -> dict[str, str]:
    """The settings of an empty bucket; its credentials are in the environment."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    name = f"test-{uuid4().hex}"
    httpx2.put(f"{s3_endpoint}/{name}").raise_for_status()
    return {"artifacts_url": f"s3://{name}/stackyard", "artifacts_endpoint": s3_endpoint}


@pytest.fixture
def settings(sqlite_url, broker_url, tmp_path) -> Settings:
    return Settings(data_dir=tmp_path, database_url=sqlite_url, broker_url=broker_url)


@pytest.fixture
def store(settings) -> ArtifactStore:
    return ArtifactStore(settings.data_dir)


@pytest.fixture
def sessions(sqlite_url) -> Iterator[SessionFactory]:
    """Sessions on SQLite, with the built-in datasets."""
    yield from _open_sessions(sqlite_url)


@pytest.fixture
def either_sessions(either_url) -> Iterator[SessionFactory]:
    """Sessions on SQLite and on PostgreSQL, with the built-in datasets."""
    yield from _open_sessions(either_url)


@pytest.fixture
def make_client() -> Iterator[Callable[[Settings], TestClient]]:
    """A factory of clients of the API in this process; an unexpected error becomes a response with status 500."""
    with ExitStack() as stack:
        yield lambda settings: stack.enter_context(
            TestClient(create_app(settings), LOCAL_URL, raise_server_exceptions=False),
        )


@pytest.fixture
def client(settings, make_client) -> TestClient:
    return make_client(settings)


def _open_sessions(url: str) -> Iterator[SessionFactory]:
    sessions = SessionFactory(url)
    with sessions.begin() as session:
        ensure_builtins(session)
    yield sessions
    sessions.dispose()


def _build_psycopg_url(url: str, database: str) -> str:
    return make_url(url).set(drivername="postgresql+psycopg", database=database).render_as_string()
