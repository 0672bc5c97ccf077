"""A trial with workers on two hosts that share a database, a broker and files.

The hosts are network namespaces of this machine, each with its own name and network link; this needs root.
"""

import os
import shutil
import subprocess
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx2
from sqlalchemy.engine import make_url

from tests.factories import iris_spec
from tests.faults.outcome import Outcome
from tests.polling import wait_until
from tests.servers.local_server import TIMING, Server
from tests.servers.postgres import Postgres
from tests.servers.team import AUTHORIZED, Team
from tests.servers.valkey import Valkey

_IP = shutil.which("ip")
_SHARED = "10.231.0.1"
"""The address of the database and the broker, on this machine's loopback; the hosts reach it by their links."""
_EPOCHS = 20_000
_RUN_WITH_HOSTNAME = 'hostname "$0" && exec "$@"'


@dataclass(frozen=True)
class Host:
    """A network namespace, linked to this machine; `link` is the name of the link's end on this machine."""

    name: str
    number: int

    @property
    def link(self) -> str:
        return f"{self.name}-0"

    @property
    def command_prefix(self) -> tuple[str, ...]:
        """The words before a command that runs on the host."""
        return (_IP or "", "netns", "exec", self.name, "unshare", "--uts", "sh", "-c", _RUN_WITH_HOSTNAME, self.name)

    def create(self) -> None:
        inner, network = f"{self.name}-1", f"10.231.{self.number}"
        _run_ip("netns", "add", self.name)
        _run_ip("link", "add", self.link, "type", "veth", "peer", "name", inner, "netns", self.name)
        _run_ip("address", "add", f"{network}.1/24", "dev", self.link)
        _run_ip("link", "set", self.link, "up")
        for words in (
            ("link", "set", "lo", "up"),
            ("address", "add", f"{network}.2/24", "dev", inner),
            ("link", "set", inner, "up"),
            ("route", "add", "default", "via", f"{network}.1"),
        ):
            _run_ip("-netns", self.name, *words)

    def remove(self) -> None:
        _run_ip("netns", "delete", self.name)  # and the link with it

    def disconnect(self) -> None:
        """Take the link down: packets are lost without an error at the other end."""
        _run_ip("link", "set", self.link, "down")

    def connect(self) -> None:
        _run_ip("link", "set", self.link, "up")


def can_create_hosts() -> bool:
    """Return whether this process may create hosts."""
    return _IP is not None and os.geteuid() == 0


@contextmanager
def _creating_hosts(*names: str) -> Generator[list[Host]]:
    """Create hosts with these names, and remove them at the end of the block."""
    with ExitStack() as stack:
        _run_ip("address", "add", f"{_SHARED}/32", "dev", "lo")
        stack.callback(_run_ip, "address", "delete", f"{_SHARED}/32", "dev", "lo")
        hosts = [Host(name, number) for number, name in enumerate(names, 1)]
        for host in hosts:
            host.create()
            stack.callback(host.remove)
        yield hosts


def _disconnect_in_turn(api: Server, hosts: list[Host], *, rounds: int, say: Callable[[str], None]) -> Outcome:
    """Disconnect one host while both train; expect that the other finishes its job, and that it serves again later."""
    outcome = Outcome()
    for number in range(rounds):
        victim = hosts[number % len(hosts)]
        wait_until(lambda: _list_serving_hosts(api) == {host.name for host in hosts}, within=120)
        job_ids = [api.submit(iris_spec(training={"epochs": _EPOCHS})) for _ in hosts]
        for job_id in job_ids:
            api.until_running(job_id)
        victim.disconnect()
        for job_id in job_ids:
            outcome.check_job(api, job_id, _EPOCHS, within=300)
        attempts = sorted(api.get_job(job_id)["attempt"] for job_id in job_ids)
        outcome.trials += 1
        outcome.wrong += [f"expected attempts 1 and 2, received {attempts}"] if attempts != [1, 2] else []
        victim.connect()
        say(f"pull {number + 1} of {rounds}: {victim.name}; attempts {attempts}")
    wait_until(lambda: _list_serving_hosts(api) == {host.name for host in hosts}, within=120)
    return outcome


def run_trial(*, rounds: int, say: Callable[[str], None]) -> Outcome:
    """Start an installation on two hosts, and disconnect them in turn."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="ho-", dir="/tmp")))
        hosts = stack.enter_context(_creating_hosts("ada", "bob"))
        (directory / "pg").mkdir(0o700)
        postgres = Postgres(directory / "pg", listen=_SHARED)
        stack.callback(postgres.close)
        valkey = stack.enter_context(Valkey(directory, _SHARED))
        url = make_url(postgres.create_database("stackyard")).set(host=_SHARED, query={}).render_as_string()
        team = Team(url, valkey.url, directory, TIMING)
        stack.callback(team.close)
        assert team.start("migrate").wait(60) == 0, (directory / "migrate.log").read_text()
        team.start("api")
        for host in hosts:
            team.start("worker-cpu", host.command_prefix)
        base_url = f"http://127.0.0.1:{team.port}"
        http = stack.enter_context(httpx2.Client(base_url=base_url, headers=AUTHORIZED, timeout=60))
        wait_until(lambda: _is_ready(http), within=60)
        return _disconnect_in_turn(Server(http), hosts, rounds=rounds, say=say)


def _is_ready(http: httpx2.Client) -> bool:
    try:
        return http.get("/readyz").is_success
    except httpx2.TransportError:
        return False


def _list_serving_hosts(api: Server) -> set[str]:
    workers = api.http.get("/v1/workers").json()["items"]
    return {worker["host"] for worker in workers if worker["state"] == "serving"}


def _run_ip(*words: str) -> None:
    subprocess.run([_IP or "ip", *words], check=True)
