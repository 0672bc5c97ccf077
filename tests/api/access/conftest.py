"""Fixtures of a team's server."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from pydantic import SecretStr

from api.app import create_app
from migrations.upgrade import upgrade_database
from service.settings import Settings
from tests.api.access.team_server import SERVER_TOKEN, TeamServer
from tests.conftest import LOCAL_URL


@pytest.fixture(scope="session")
def team_client(tmp_path_factory) -> Iterator[TestClient]:
    """A server that also has a token of its own, and no broker."""
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("team"),
        broker_url="redis://127.0.0.1:1/0",
        token=SecretStr(SERVER_TOKEN),
    )
    upgrade_database(settings)
    with TestClient(create_app(settings), LOCAL_URL, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def team(team_client) -> TeamServer:
    """A team's server with new users and projects."""
    server = TeamServer(team_client)
    server.reset()
    server.add_users()
    return server
