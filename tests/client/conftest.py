"""Fixtures that serve the API over real HTTP, in a thread, with a real database and broker but no worker."""

import socket
import threading
from collections.abc import Callable, Iterator

import pytest
from pydantic import SecretStr

from api.server.http_server import build_server
from stackyard.client import Client
from tests.polling import wait_until

TOKEN = "a token for tests"  # noqa: S105  # it protects nothing


@pytest.fixture
def url(settings) -> Iterator[str]:
    """The URL of an API that requires `TOKEN`."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = build_server(settings.model_copy(update={"token": SecretStr(TOKEN)}), log_level="warning")
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        wait_until(lambda: server.started)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        server.should_exit = True
        thread.join()


@pytest.fixture
def stackyard(url) -> Iterator[Client]:
    with Client(url, TOKEN) as client:
        yield client


@pytest.fixture
def other_server() -> Iterator[Callable[[bytes], str]]:
    """Start a server that gives one answer to one request; return its URL."""
    threads: list[threading.Thread] = []

    def start(answer: bytes) -> str:
        listener = socket.create_server(("127.0.0.1", 0))
        listener.settimeout(10)
        thread = threading.Thread(target=_answer_once, args=(listener, answer))
        thread.start()
        threads.append(thread)
        return f"http://127.0.0.1:{listener.getsockname()[1]}"

    yield start
    for thread in threads:
        thread.join()


def _answer_once(listener: socket.socket, answer: bytes) -> None:
    with listener:
        connection, _ = listener.accept()
        with connection:
            connection.recv(2**16)
            connection.sendall(answer)
