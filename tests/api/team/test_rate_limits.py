"""Limits on the rate of requests of each token, counted in memory or by a real Valkey."""

import asyncio
import socket
import subprocess
import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from limits import parse
from pydantic import ValidationError

from api.access.rate_limits import RateLimiter
from service.db.ids import new_id
from service.settings import Settings
from stackyard.cli.serving import broker
from tests.api.team.conftest import create_team
from tests.polling import wait_until


async def count_requests(limiter, tokens):
    return [await limiter.count_request(token) for token in tokens]


@pytest.fixture
def limited_team(make_client, settings):
    return create_team(make_client, settings.model_copy(update={"rate_limit": "3/day"}))


class TestRequests:
    def test_a_token_beyond_its_limit_is_refused_until_the_next_window(self, limited_team):
        ada, bob = limited_team.act_as("ada"), limited_team.add_user("bob")
        responses = [bob.get("/v1/jobs") for _ in range(4)]
        assert [response.status_code for response in responses] == [200, 200, 200, 429]
        assert [response.headers["RateLimit"].partition(";t=")[0] for response in responses] == [
            '"token";r=2',
            '"token";r=1',
            '"token";r=0',
            '"token";r=0',
        ]
        assert {response.headers["RateLimit-Policy"] for response in responses} == {'"token";q=3;w=86400'}
        refused = responses[3]
        assert refused.json()["code"] == "rate_limited"
        assert refused.headers["Content-Type"] == "application/problem+json"
        assert 0 < int(refused.headers["Retry-After"]) <= 86400
        assert "Retry-After" not in responses[0].headers
        assert ada.get("/v1/jobs").status_code == 200

    def test_browsers_the_health_check_and_the_page_have_no_limit(self, limited_team):
        browser, origin = limited_team.client, {"Origin": "http://127.0.0.1"}
        assert (
            browser.post("/v1/session", json={"token": limited_team.tokens["ada"]}, headers=origin).status_code == 204
        )
        for path in ("/v1/jobs", "/healthz", "/login"):
            responses = [browser.get(path) for _ in range(5)]
            assert {response.status_code for response in responses} == {200}
            assert not any("RateLimit" in response.headers for response in responses)

    def test_a_server_without_users_has_no_limit(self, make_client, settings):
        client = make_client(settings.model_copy(update={"rate_limit": "1/day"}))
        responses = [client.get("/v1/jobs", headers={"Authorization": "Bearer x"}) for _ in range(3)]
        assert {response.status_code for response in responses} == {200}
        assert not any("RateLimit" in response.headers for response in responses)

    def test_a_refusal_is_in_the_audit(self, limited_team):
        bob = limited_team.add_user("bob")
        for _ in range(4):
            bob.get("/v1/jobs")
        [entry] = limited_team.act_as("ada").get("/v1/audit?outcome=refused").json()["items"]
        assert (entry["action"], entry["user_name"], entry["code"]) == ("GET /v1/jobs", "bob", "rate_limited")


class TestBroker:
    def test_all_processes_share_the_counts_of_the_broker(self, tcp_broker_url):
        settings = Settings(broker_url=tcp_broker_url, rate_limit="5/day")
        first, second, token = RateLimiter(settings), RateLimiter(settings), new_id()

        async def count():
            limiters = (first, second, first, second, first, second)
            quotas = [await limiter.count_request(token) for limiter in limiters]
            return [quota.remaining for quota in quotas], (await first.count_request(new_id())).remaining

        assert asyncio.run(count()) == ([4, 3, 2, 1, 0, -1], 4)

    def test_the_next_window_begins_anew(self, tcp_broker_url):
        times = iter([59.0, 59.5, 60.0])
        limiter = RateLimiter(Settings(broker_url=tcp_broker_url, rate_limit="1/minute"), clock=lambda: next(times))
        token = new_id()
        quotas = asyncio.run(count_requests(limiter, [token] * 3))
        assert [quota.is_exceeded for quota in quotas] == [False, True, False]
        assert [quota.reset_s for quota in quotas] == [1.0, 0.5, 60.0]

    @pytest.mark.parametrize("accepts", [False, True])
    def test_a_broker_that_is_away_limits_and_delays_no_request(self, accepts):
        """It refuses connections, or accepts them and does not answer."""
        with socket.create_server(("127.0.0.1", 0)) as listener:
            if not accepts:
                listener.close()
            port = listener.getsockname()[1] if accepts else 1
            limiter = RateLimiter(Settings(broker_url=f"redis://127.0.0.1:{port}/0", rate_limit="1/day"))
            start = time.monotonic()
            assert asyncio.run(count_requests(limiter, [new_id() for _ in range(500)])) == [None] * 500
            assert time.monotonic() - start < 2


@pytest.mark.parametrize("text", ["1200/minute", "50/second", "100 per 5 minutes", "1/day", "10/2hours"])
def test_limits_that_the_setting_takes(text):
    assert parse(Settings(rate_limit=text).rate_limit).amount > 0


@pytest.mark.parametrize("text", ["0/minute", "many", "5/fortnight", "-1/second", "5"])
def test_limits_that_the_setting_refuses(text):
    with pytest.raises(ValidationError):
        Settings(rate_limit=text)


@pytest.fixture(scope="module")
def tcp_broker_url():
    """The URL of a real Valkey on a TCP port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with TemporaryDirectory() as directory:
        binary, *_ = broker.build_broker_command(Path(directory) / "valkey.sock")
        command = [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", directory]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
        try:
            wait_until(lambda: _accepts(port))
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.terminate()
            process.wait()


def _accepts(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
