"""What a client can write into the logs: at most one short line for each request."""

import logging
import socket
import threading

import pytest
import uvicorn
from pydantic import SecretStr
from structlog.testing import capture_logs

from api.app import create_app
from api.http.access_log import MAX_PATH_LENGTH
from tests.polling import wait_until


@pytest.fixture
def server_logs(settings, caplog):
    """The port of a served API, and the events of its own log; `caplog` has the records of Uvicorn."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        app = create_app(settings.model_copy(update={"token": SecretStr("secret")}))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, timeout_graceful_shutdown=1))
        for name in ("uvicorn.access", "uvicorn.error"):
            logging.getLogger(name).setLevel(logging.INFO)
            logging.getLogger(name).propagate = True
        caplog.set_level(logging.INFO)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        wait_until(lambda: server.started)
        with capture_logs() as events:
            yield listener.getsockname()[1], events
        server.should_exit = True
        thread.join()


def send_request(port, request):
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(request)
        return connection.recv(2**16)


def test_the_path_of_a_refused_request_is_cut(server_logs, caplog):
    port, _ = server_logs
    path = b"/v1/jobs?name=" + b"x" * 60_000
    answer = send_request(port, b"GET " + path + b" HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
    assert b" 401 " in answer.splitlines()[0]
    [line] = [record.getMessage() for record in caplog.records if record.name == "uvicorn.access"]
    assert len(line) < MAX_PATH_LENGTH + 150
    assert "59814 more characters" in line


@pytest.mark.parametrize(
    ("path", "media_type"), [("/v1/jobs", "application/json"), ("/v1/datasets?name=x", "text/csv")]
)
def test_a_client_that_disconnects_in_its_body_costs_one_line(server_logs, caplog, path, media_type):
    port, events = server_logs
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer secret\r\nContent-Type: {media_type}\r\n"
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(f"{head}Content-Length: 1000\r\n\r\n{{".encode())
        connection.shutdown(socket.SHUT_WR)
        connection.recv(1)  # returns when the server has closed the connection
    wait_until(lambda: events)
    [event] = events
    assert (event["action"], event["path"]) == ("client_disconnected", path.partition("?")[0])
    assert not any("Exception" in record.getMessage() for record in caplog.records)
