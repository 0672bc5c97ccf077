"""Event streams end within about a second after their token is revoked, or their user loses a project."""

import socket
import threading
import time

import httpx2
import pytest

from api.server.http_server import build_server
from service.settings import Settings
from tests.factories import build_token_headers, iris_spec
from tests.polling import wait_until

MAX_DELAY_S = 10
"""A stream ends within about a second; a busy machine may take longer."""


@pytest.fixture(scope="module")
def server_url(sqlite_template, broker_url, tmp_path_factory):
    directory = tmp_path_factory.mktemp("team")
    (directory / "stackyard.db").write_bytes(sqlite_template.read_bytes())
    server = build_server(Settings(data_dir=directory, broker_url=broker_url), log_level="warning")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        wait_until(lambda: server.started)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def ada(server_url):
    """The client of an admin, whose server has the user Bob and a project of his."""
    with httpx2.Client(base_url=server_url) as client, _open_anonymous_stream(client) as anonymous:
        token = client.post("/v1/users", json={"name": "ada", "role": "admin"}).json()["token"]["token"]
        client.headers["Authorization"] = f"Bearer {token}"
        client.post("/v1/users", json={"name": "bob"}).raise_for_status()
        client.anonymous_stream = anonymous
        yield client


def _open_anonymous_stream(client):
    return client.stream("GET", "/v1/events", timeout=MAX_DELAY_S)


@pytest.fixture
def bob(ada, server_url):
    """A client of Bob with a token of his own, whose id is `token_id`."""
    token = ada.post("/v1/users/bob/tokens", json={"name": "test"}).json()
    headers = build_token_headers(token["token"])
    with httpx2.Client(base_url=server_url, headers=headers, timeout=MAX_DELAY_S) as client:
        client.token_id = token["id"]
        yield client


def follow_until_end(client, path, revoke):
    """Open a stream, call a function once it has begun, and return the seconds from then to its end."""
    with client.stream("GET", path) as response:
        assert response.status_code == 200, response.read()
        lines = response.iter_lines()
        assert next(line for line in lines if line.startswith("event:"))
        revoke()
        start = time.monotonic()
        for _ in lines:
            pass  # a stream that does not end exceeds the client's time
        return time.monotonic() - start


def test_the_first_user_ends_the_streams_of_strangers(ada):
    for _ in ada.anonymous_stream.iter_lines():
        pass


def test_a_revoked_token_ends_the_streams_of_all_jobs_and_of_one(ada, bob):
    job_id = bob.post("/v1/jobs", json=iris_spec()).json()["id"]
    with bob.stream("GET", "/v1/events") as other:
        delay = follow_until_end(
            bob, f"/v1/jobs/{job_id}/events", lambda: ada.delete(f"/v1/tokens/{bob.token_id}").raise_for_status()
        )
        for _ in other.iter_lines():
            pass
    assert delay < MAX_DELAY_S
    assert bob.get("/v1/events").status_code == 401


def test_other_streams_stay_open(ada, bob):
    with ada.stream("GET", "/v1/events", timeout=MAX_DELAY_S) as stream:
        lines = stream.iter_lines()
        follow_until_end(bob, "/v1/events", lambda: ada.delete(f"/v1/tokens/{bob.token_id}").raise_for_status())
        job_id = ada.post("/v1/jobs", json=iris_spec()).json()["id"]
        assert next(line for line in lines if job_id in line)


def test_a_logout_ends_the_streams_of_the_session(server_url, bob):
    origin = {"Origin": server_url}
    with httpx2.Client(base_url=server_url, headers=origin, timeout=MAX_DELAY_S) as browser:
        token = bob.headers["Authorization"].removeprefix("Bearer ")
        browser.post("/v1/session", json={"token": token}).raise_for_status()
        follow_until_end(browser, "/v1/events", lambda: browser.delete("/v1/session").raise_for_status())


def test_another_membership_ends_the_stream_and_the_next_one_follows_it(ada, bob):
    project = ada.post("/v1/projects", json={"name": "vision"}).json()["id"]

    def add_bob():
        ada.put(f"/v1/projects/{project}/members/bob", json={"role": "viewer"}).raise_for_status()

    follow_until_end(bob, "/v1/events", add_bob)
    with bob.stream("GET", "/v1/events") as stream:
        lines = stream.iter_lines()
        assert next(line for line in lines if line.startswith("event: start"))
        headers = {"X-Stackyard-Project": "vision"}
        job_id = ada.post("/v1/jobs", json=iris_spec(), headers=headers).json()["id"]
        assert next(line for line in lines if job_id in line)
