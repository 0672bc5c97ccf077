"""A team's server in this process, on either database."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from fastapi.testclient import TestClient

from service.settings import Settings
from tests.conftest import LOCAL_URL
from tests.factories import build_token_headers


@dataclass
class Team:
    """A server with an admin, and clients for its users."""

    client: TestClient
    tokens: dict[str, str] = field(default_factory=dict[str, str])
    user_ids: dict[str, str] = field(default_factory=dict[str, str])

    def add_user(self, name: str, role: str = "member", **values: Any) -> TestClient:
        """Add a user, and return their client."""
        headers = build_token_headers(self.tokens["ada"]) if self.tokens else {}
        response = self.client.post("/v1/users", json={"name": name, "role": role} | values, headers=headers)
        assert response.status_code == 201, response.text
        self.tokens[name], self.user_ids[name] = response.json()["token"]["token"], response.json()["id"]
        return self.act_as(name)

    def act_as(self, name: str, **headers: str) -> TestClient:
        """Return a client that sends the token of a user."""
        client = TestClient(self.client.app, LOCAL_URL, raise_server_exceptions=False)
        client.headers |= build_token_headers(self.tokens[name]) | headers
        return client


@pytest.fixture
def team(make_client, settings) -> Team:
    """A team's server on SQLite, whose admin is Ada."""
    return create_team(make_client, settings)


@pytest.fixture
def either_team(make_client, settings, either_url) -> Team:
    """A team's server on either database."""
    return create_team(make_client, settings.model_copy(update={"database_url": either_url}))


def create_team(make_client: Callable[[Settings], TestClient], settings: Settings) -> Team:
    team = Team(make_client(settings))
    team.add_user("ada", "admin")
    return team
