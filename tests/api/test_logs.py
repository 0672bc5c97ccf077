"""What a client can write into the logs: at most one short line for each request."""

import json
import logging
import socket
import threading
from contextlib import contextmanager

import pytest
import structlog
from fastapi.testclient import TestClient
from pydantic import SecretStr
from structlog.testing import capture_logs

from api.app import create_app
from api.http.access_log import MAX_PATH_LENGTH
from api.server.http_server import build_server
from tests.conftest import LOCAL_URL
from tests.factories import build_token_headers, iris_spec
from tests.polling import wait_until

AUTHORIZED = {"Authorization": "Bearer secret"}


@contextmanager
def capture_events():
    """Capture the events of the log, with what was bound to their context. Creating an app ends the capture."""
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as events:
        yield events


@pytest.fixture
def events(client):  # noqa: ARG001 its creation configures the log
    with capture_events() as events:
        yield events


@pytest.fixture
def served_api(settings, caplog):
    """The port of a served API with a token, and the events of its log; `caplog` has the errors of Uvicorn."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = build_server(settings.model_copy(update={"token": SecretStr("secret")}))
        logging.getLogger("uvicorn.error").propagate = True
        caplog.set_level(logging.INFO)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        wait_until(lambda: server.started)
        with capture_events() as events:
            yield listener.getsockname()[1], events
        server.should_exit = True
        thread.join()


def send_request(port, request):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(request)
        return connection.recv(2**16)


def list_requests(events):
    return [event for event in events if event["action"] == "request"]


def test_the_path_of_a_refused_request_is_cut(served_api, capfd):
    port, events = served_api
    path = b"/v1/jobs?name=" + b"x" * 60_000
    answer = send_request(port, b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert b" 401 " in answer.splitlines()[0]
    [event] = wait_until(lambda: list_requests(events))
    assert len(json.dumps(event)) < MAX_PATH_LENGTH + 350
    assert event["path"].endswith("59814 more characters)")
    assert "HTTP/1.1" not in capfd.readouterr().err  # uvicorn logs no line of its own


def test_bytes_that_are_no_text_stay_short_and_harmless(served_api):
    port, events = served_api
    send_request(port, b"GET /" + b"\xe9\xff" * 500 + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    [event] = wait_until(lambda: list_requests(events))
    assert len(json.dumps(event)) < 1000
    assert event.get("path", "").isascii()


@pytest.mark.parametrize(
    ("path", "media_type"), [("/v1/jobs", "application/json"), ("/v1/datasets?name=x", "text/csv")]
)
def test_a_client_that_disconnects_in_its_body_costs_no_traceback(served_api, caplog, path, media_type):
    port, events = served_api
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret\r\nContent-Type: {media_type}\r\n"
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(f"{head}Content-Length: 1000\r\n\r\n{{".encode())
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)  # returns when the server has closed the connection
    wait_until(lambda: list_requests(events))
    [disconnect, request] = events
    assert (disconnect["action"], disconnect["path"]) == ("client_disconnected", path.partition("?")[0])
    assert disconnect["request_id"] == request["request_id"]
    assert not any("Exception" in record.getMessage() for record in caplog.records)


def test_a_malformed_request_has_an_id_too(served_api):
    port, events = served_api
    head, _, body = send_request(port, b"nonsense\r\n\r\n").partition(b"\r\n\r\n")
    [event] = wait_until(lambda: list_requests(events))
    assert (event["status"], event["code"], event["client"]) == (400, "bad_request", "127.0.0.1")
    assert json.loads(body)["request_id"] == event["request_id"]
    assert f"x-request-id: {event['request_id']}".encode() in head.lower()


@pytest.mark.parametrize(
    ("forwarded", "client"), [("203.0.113.9", "203.0.113.9"), ("198.51.100.1, 203.0.113.9", "203.0.113.9")]
)
def test_the_address_is_that_of_a_local_proxy_s_client(served_api, forwarded, client):
    port, events = served_api
    head = f"GET /healthz HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {forwarded}\r\nConnection: close\r\n\r\n"
    send_request(port, head.encode())
    [event] = wait_until(lambda: list_requests(events))
    assert event["client"] == client


class TestAccessLog:
    def test_one_line_describes_the_request(self, client, events):
        job = client.post("/v1/jobs", json=iris_spec()).json()
        response = client.get(f"/v1/jobs/{job['id']}?x=%0a")
        event = list_requests(events)[-1]
        assert event.pop("duration_ms") > 0
        assert event == {
            "event": "request",
            "action": "request",
            "log_level": "info",
            "method": "GET",
            "path": f"/v1/jobs/{job['id']}?x=%0a",
            "route": "/v1/jobs/{job_id}",
            "status": 200,
            "bytes": len(response.content),
            "client": "testclient",
            "request_id": response.headers["X-Request-ID"],
        }

    @pytest.mark.parametrize(
        ("method", "path", "route", "status"),
        [
            ("GET", "/nothing/here", None, 404),
            ("DELETE", "/v1/jobs", "/v1/jobs", 405),
            ("GET", "/assets/nothing.js", "/assets/{path}", 404),
            ("GET", "/jobs/1", "/jobs/{id}", 200),
            ("HEAD", "/jobs", "/jobs", 200),
            ("GET", "/docs", "/docs", 200),
            ("GET", "/healthz", "/healthz", 200),
        ],
    )
    def test_the_route_is_a_template(self, client, events, method, path, route, status):
        client.request(method, path)
        event = list_requests(events)[-1]
        assert (event["route"], event["status"]) == (route, status)

    def test_a_line_names_the_user_of_the_request(self, client, events):
        user = client.post("/v1/users", json={"name": "ann", "role": "admin"}).json()
        client.get("/v1/jobs", headers=build_token_headers(user["token"]["token"]))
        client.get("/v1/jobs")
        assert [event.get("user") for event in list_requests(events)[-2:]] == ["ann", None]


class TestRequestIds:
    def test_a_well_formed_id_is_kept(self, client, events):
        response = client.get("/v1/jobs", headers={"X-Request-ID": "trace-1:a/b+c=~_.@"})
        assert response.headers["X-Request-ID"] == "trace-1:a/b+c=~_.@"
        assert {event["request_id"] for event in events} == {"trace-1:a/b+c=~_.@"}

    @pytest.mark.parametrize("received", ["", "a b", "x" * 129, 'a"b', "<b>", "\x1b[2J", "é"])
    def test_any_other_id_is_replaced(self, client, received):
        response = client.get("/v1/jobs", headers={"X-Request-ID": received.encode("latin-1")})
        assert response.headers["X-Request-ID"] != received
        assert len(response.headers["X-Request-ID"]) == 32

    def test_two_ids_are_replaced(self, client):
        response = client.get("/v1/jobs", headers=[("X-Request-ID", "a"), ("X-Request-ID", "b")])
        assert len(response.headers["X-Request-ID"]) == 32

    @pytest.mark.parametrize(
        ("headers", "path", "status"),
        [
            ({}, "/v1/jobs", 401),
            (AUTHORIZED, "/v1/jobs/0", 422),
            (AUTHORIZED, f"/v1/jobs/{'0' * 32}", 404),
            (AUTHORIZED, "/nothing", 404),
        ],
    )
    def test_a_problem_document_has_the_id(self, settings, make_client, headers, path, status):
        client = make_client(settings.model_copy(update={"token": SecretStr("secret")}))
        response = client.get(path, headers=headers | {"X-Request-ID": "abc"})
        assert response.status_code == status
        assert response.json()["request_id"] == response.headers["X-Request-ID"] == "abc"

    def test_an_unexpected_error_has_the_id_in_every_place(self, settings):
        app = create_app(settings)

        @app.get("/fail")
        def fail():
            raise ZeroDivisionError

        with capture_events() as events:
            response = TestClient(app, LOCAL_URL, raise_server_exceptions=False).get("/fail")
        assert response.status_code == 500
        actions = {event["action"]: event["request_id"] for event in events}
        assert actions.keys() == {"unexpected_error", "request"}
        assert {*actions.values(), response.json()["request_id"]} == {response.headers["X-Request-ID"]}

    def test_lines_of_a_thread_of_the_request_have_the_id(self, client, events):
        client.post("/v1/jobs", content=b"{", headers={"Content-Type": "application/json"})
        ids = {event["request_id"] for event in events}
        assert len(ids) == 1
