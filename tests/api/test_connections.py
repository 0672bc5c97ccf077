"""Bounds on connections, headers and bodies, over real sockets."""

import json
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager, suppress

import pytest
from pydantic import SecretStr, ValidationError

from api.server.bounded_protocol import MAX_HEADER_BYTES
from api.server.connection_table import ConnectionTable, group_address
from api.server.http_server import OpenServerError, build_server
from models import UserRole
from service.settings import Settings
from service.team import users
from stackyard.descriptors import raise_descriptor_limit
from tests.polling import wait_until

GET = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"
POST = b"POST /v1/jobs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


@contextmanager
def run_server(settings, **changes):
    """Run a server on a free port; yield a function that connects to it."""
    server = build_server(settings.model_copy(update=changes), log_level="warning")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        wait_until(lambda: server.started)
        try:
            yield lambda: socket.create_connection(listener.getsockname(), timeout=20)
        finally:
            server.should_exit = True
            thread.join()


@pytest.fixture(scope="module")
def shared_settings(sqlite_template, broker_url, tmp_path_factory):
    directory = tmp_path_factory.mktemp("api")
    (directory / "stackyard.db").write_bytes(sqlite_template.read_bytes())
    return Settings(data_dir=directory, broker_url=broker_url)


@pytest.fixture(scope="module")
def connect(shared_settings):
    with run_server(shared_settings) as connect:
        yield connect


@pytest.fixture(scope="module")
def connect_with_short_times(shared_settings):
    with run_server(shared_settings, header_timeout_s=0.3, body_timeout_s=0.4) as connect:
        yield connect


def send(connection, data):
    """Send data until the server refuses more."""
    with suppress(OSError):
        connection.sendall(data)


def read_response(connection):
    """Return the status, the headers and the body of one response."""
    with connection.makefile("rb") as stream:
        status = int(stream.readline().split()[1])
        lines = iter(lambda: stream.readline().decode().strip(), "")
        headers = dict(line.lower().split(": ", 1) for line in lines)
        return status, headers, stream.read(int(headers.get("content-length", 0)))


def check_refusal(connection, status, code):
    """Check that the answer is a problem document, and that the connection ends."""
    received, headers, body = read_response(connection)
    assert (received, json.loads(body)["code"]) == (status, code)
    assert headers["content-type"] == "application/problem+json"
    assert headers["connection"] == "close"
    assert "content-security-policy" in headers
    assert connection.recv(1) == b""


def is_served(connection):
    send(connection, GET + b"\r\n")
    return read_response(connection)[0] == 200


HEADERS_WITHOUT_END = {
    "many lines": b"a: b\r\n" * 2**14,
    "one value": b"a: " + b"b" * 2**17,
    "one name": b"a" * 2**17,
}


class TestHeaders:
    @pytest.mark.parametrize("headers", HEADERS_WITHOUT_END.values(), ids=HEADERS_WITHOUT_END)
    def test_headers_over_the_limit_are_refused(self, connect, headers):
        with connect() as connection:
            send(connection, GET + headers)
            check_refusal(connection, 431, "headers_too_large")

    def test_a_request_line_over_the_limit_is_refused(self, connect):
        with connect() as connection:
            send(connection, b"GET /" + b"a" * 2**17)
            check_refusal(connection, 431, "headers_too_large")

    def test_headers_of_a_later_request_are_refused(self, connect):
        with connect() as connection:
            assert is_served(connection)
            send(connection, GET + b"a: b\r\n" * 2**15)
            check_refusal(connection, 431, "headers_too_large")

    @pytest.mark.parametrize("flood", [b"0\r\n" + b"a: b\r\n" * 2**15, b"1;" + b"a" * 2**18])
    def test_trailers_and_chunk_extensions_are_bounded(self, connect, flood):
        with connect() as connection:
            send(connection, POST + b"Transfer-Encoding: chunked\r\n\r\n")
            send(connection, flood)
            received, _, body = read_response(connection)
            assert (received, json.loads(body)["code"]) in {(431, "headers_too_large"), (400, "bad_request")}

    def test_headers_up_to_the_limit_are_accepted(self, connect):
        with connect() as connection:
            send(connection, GET + b"a: " + b"b" * (MAX_HEADER_BYTES - len(GET) - 100) + b"\r\n\r\n")
            assert read_response(connection)[0] == 200

    def test_empty_lines_without_end_are_refused(self, connect):
        with connect() as connection:
            send(connection, b"\r\n" * 2**16)
            check_refusal(connection, 431, "headers_too_large")


class TestTimes:
    def test_headers_that_do_not_end_in_time_are_refused(self, connect_with_short_times):
        with connect_with_short_times() as connection:
            send(connection, GET)
            check_refusal(connection, 408, "request_timeout")

    def test_a_silent_connection_is_closed(self, connect_with_short_times):
        with connect_with_short_times() as connection:
            assert connection.recv(1) == b""

    def test_an_empty_line_does_not_keep_a_connection(self, connect_with_short_times):
        with connect_with_short_times() as connection:
            assert is_served(connection)
            send(connection, b"\r\n")
            assert connection.recv(1) == b""

    def test_a_body_without_progress_is_refused(self, connect_with_short_times):
        with connect_with_short_times() as connection:
            send(connection, POST + b"Content-Length: 10\r\n\r\n{")
            check_refusal(connection, 408, "request_timeout")

    def test_a_body_that_trickles_is_refused(self, connect_with_short_times):
        with connect_with_short_times() as connection:
            send(connection, POST + b"Content-Length: 100\r\n\r\n")
            for _ in range(20):
                send(connection, b" ")
                time.sleep(0.05)
            check_refusal(connection, 408, "request_timeout")

    def test_a_long_upload_that_makes_progress_is_accepted(self, connect_with_short_times):
        rows = b"a,b\n" + b"1,2\n" * 2_000
        with connect_with_short_times() as connection:
            send(connection, b"POST /v1/datasets?name=slow HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: text/csv\r\n")
            send(connection, b"Content-Length: %d\r\n\r\n" % len(rows))
            for start in range(0, len(rows), 600):
                send(connection, rows[start : start + 600])
                time.sleep(0.1)
            assert read_response(connection)[0] == 201

    def test_a_connection_between_requests_stays_open(self, connect_with_short_times):
        with connect_with_short_times() as connection:
            assert is_served(connection)
            time.sleep(0.6)
            assert is_served(connection)


class TestRefusals:
    @pytest.mark.parametrize("text", [b"nonsense\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", GET + b"a b: c\r\n\r\n"])
    def test_a_malformed_request_gets_a_problem_document(self, connect, text):
        with connect() as connection:
            send(connection, text)
            check_refusal(connection, 400, "bad_request")

    def test_a_malformed_request_behind_another_does_not_replace_its_response(self, connect):
        with connect() as connection:
            send(connection, GET + b"\r\nnonsense\r\n\r\n")
            assert read_response(connection)[0] == 200

    def test_the_refusal_of_a_large_body_arrives(self, connect):
        with connect() as connection:
            send(connection, POST + b"Content-Length: 10000000\r\n\r\n")
            connection.sendall(b" " * 10_000_000)
            check_refusal(connection, 413, "too_large")

    def test_an_upgrade_is_not_made(self, connect):
        with connect() as connection:
            send(connection, GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
            assert read_response(connection)[0] == 200
            assert connection.recv(1) == b""

    def test_pipelined_requests_are_bounded(self, connect):
        with connect() as connection:
            send(connection, (GET + b"\r\n") * 2_000)
            connection.settimeout(20)
            count = 0
            try:
                while chunk := connection.recv(2**16):
                    count += chunk.count(b"HTTP/1.1 200")
            except ConnectionResetError:
                pass
            assert count < 100


class TestTable:
    def test_a_new_connection_replaces_the_longest_silent_one(self, settings):
        with run_server(settings, max_connections=5, header_timeout_s=60.0) as connect:
            silent = [connect() for _ in range(50)]
            with connect() as connection:
                assert is_served(connection)
            assert silent[0].recv(1) == b""
            for connection in silent:
                connection.close()

    def test_a_connection_between_requests_is_replaced_after_silent_ones(self, settings):
        with run_server(settings, max_connections_per_address=3, header_timeout_s=60.0) as connect, connect() as used:
            assert is_served(used)
            silent = [connect() for _ in range(6)]
            with connect() as latest:
                assert is_served(latest)
            assert is_served(used)
            for connection in silent:
                connection.close()

    def test_a_connection_with_a_request_is_not_replaced(self, settings):
        with run_server(settings, max_connections_per_address=2) as connect, connect() as first, connect() as second:
            for connection in (first, second):
                send(connection, POST + b"Content-Length: 10\r\nExpect: 100-continue\r\n\r\n")
                assert connection.recv(100).startswith(b"HTTP/1.1 100 Continue")
            with connect() as third:
                check_refusal(third, 503, "too_many_connections")
            send(first, b"{}        ")
            assert read_response(first)[0] == 422
            with connect() as third:
                assert is_served(third)

    def test_addresses_have_bounds_of_their_own(self):
        class Connection:
            is_aborted = False

            def abort(self):
                self.is_aborted = True

        table = ConnectionTable(100, 2)
        connections = [Connection() for _ in range(4)]
        for connection in connections[:3]:
            assert table.add(connection, "192.0.2.1")
        assert table.add(connections[3], "192.0.2.2")
        assert [connection.is_aborted for connection in connections] == [True, False, False, False]
        for connection in connections:
            table.remove(connection)
        assert len(table) == 0

    def test_an_ipv6_network_counts_as_one_address(self):
        assert group_address("2001:db8::1") == group_address("2001:db8::2") != group_address("2001:db8:0:1::1")
        assert group_address("::ffff:192.0.2.1") == "192.0.2.1"


class TestOpenServers:
    @pytest.mark.parametrize("token", ["", "   ", " padded"])
    def test_a_token_that_protects_nothing_is_refused(self, token):
        with pytest.raises(ValidationError) as error:
            Settings(token=SecretStr(token))
        assert "padded" not in str(error.value)

    def test_another_address_than_loopback_needs_a_token(self, settings):
        with pytest.raises(OpenServerError, match="STACKYARD_TOKEN"):
            build_server(settings, host="0.0.0.0")  # noqa: S104  # it is refused
        assert build_server(settings.model_copy(update={"token": SecretStr("long")}), host="0.0.0.0")  # noqa: S104

    def test_users_protect_another_address_like_a_token(self, settings, sessions):
        with sessions.begin() as session:
            users.add_user(session, "ann", UserRole.ADMIN, {})
        assert build_server(settings, host="0.0.0.0")  # noqa: S104

    def test_users_that_cannot_be_read_protect_nothing(self, settings):
        unreachable = settings.model_copy(update={"database_url": "postgresql+psycopg://a@127.0.0.1:9/b"})
        with pytest.raises(OpenServerError, match="cannot be read"):
            build_server(unreachable, host="0.0.0.0")  # noqa: S104

    def test_the_command_of_the_image_needs_a_token(self, settings, monkeypatch):
        monkeypatch.setenv("STACKYARD_DATA_DIR", str(settings.data_dir))
        command = [sys.executable, "-m", "api", "--host", "0.0.0.0", "--port", "0"]  # noqa: S104
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert result.returncode == 1
        assert "STACKYARD_TOKEN" in result.stderr
        assert "Traceback" not in result.stderr


def test_the_limit_of_descriptors_is_the_hard_one():
    code = """
import resource
from stackyard.descriptors import raise_descriptor_limit
soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
assert raise_descriptor_limit() == min(hard, 2**20) == resource.getrlimit(resource.RLIMIT_NOFILE)[0]
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    assert raise_descriptor_limit() > 0
