"""Workers on two hosts that share a database, a broker and files.

The hosts are network namespaces of this machine, each with a name and a cable of its own; that needs root.
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

from tests.e2e.conftest import TIMING, Server
from tests.factories import iris_spec
from tests.faults.outcome import Outcome
from tests.servers.postgres import Postgres
from tests.servers.team import AUTHORIZED, Team
from tests.servers.valkey import Valkey
from tests.waiting import until

_IP = shutil.which("ip")
_SHARED = "10.231.0.1"
"""Where the database and the broker listen, on this machine's loopback; the hosts reach it by their cables."""
_EPOCHS = 20_000
_RENAMED = 'hostname "$0" && exec "$@"'


@dataclass(frozen=True)
class Host:
    """A namespace `name` behind a cable, whose end on this machine is called `cable`."""

    name: str
    number: int

    @property
    def cable(self) -> str:
        return f"{self.name}-0"

    @property
    def prefix(self) -> tuple[str, ...]:
        """What stands before a command that is to run there."""
        return (_IP or "", "netns", "exec", self.name, "unshare", "--uts", "sh", "-c", _RENAMED, self.name)

    def make(self) -> None:
        inner, network = f"{self.name}-1", f"10.231.{self.number}"
        _ip("netns", "add", self.name)
        _ip("link", "add", self.cable, "type", "veth", "peer", "name", inner, "netns", self.name)
        _ip("address", "add", f"{network}.1/24", "dev", self.cable)
        _ip("link", "set", self.cable, "up")
        for words in (
            ("link", "set", "lo", "up"),
            ("address", "add", f"{network}.2/24", "dev", inner),
            ("link", "set", inner, "up"),
            ("route", "add", "default", "via", f"{network}.1"),
        ):
            _ip("-netns", self.name, *words)

    def remove(self) -> None:
        _ip("netns", "delete", self.name)  # and the cable with it

    def pull(self) -> None:
        """Pull the cable: nothing arrives, and nobody is told."""
        _ip("link", "set", self.cable, "down")

    def plug(self) -> None:
        _ip("link", "set", self.cable, "up")


def possible() -> bool:
    """Whether this process may make hosts."""
    return _IP is not None and os.geteuid() == 0


@contextmanager
def hosts(*names: str) -> Generator[list[Host]]:
    """So many hosts, gone afterwards."""
    with ExitStack() as stack:
        _ip("address", "add", f"{_SHARED}/32", "dev", "lo")
        stack.callback(_ip, "address", "delete", f"{_SHARED}/32", "dev", "lo")
        made = [Host(name, number) for number, name in enumerate(names, 1)]
        for host in made:
            host.make()
            stack.callback(host.remove)
        yield made


def pulls(api: Server, two: list[Host], *, rounds: int, say: Callable[[str], None]) -> Outcome:
    """Pull the cable of one host while both train; its job is to be done by the other, and it is to come back."""
    outcome = Outcome()
    for number in range(rounds):
        pulled = two[number % len(two)]
        until(lambda: _serving(api) == {host.name for host in two}, within=120)
        job_ids = [api.submit(iris_spec(training={"epochs": _EPOCHS})) for _ in two]
        for job_id in job_ids:
            api.until_running(job_id)
        pulled.pull()
        for job_id in job_ids:
            outcome.hold(api, job_id, _EPOCHS, within=300)
        attempts = sorted(api.job(job_id)["attempt"] for job_id in job_ids)
        outcome.trials += 1
        outcome.wrong += [f"attempts {attempts} where 1 and 2 were expected"] if attempts != [1, 2] else []
        pulled.plug()
        say(f"pull {number + 1} of {rounds}: {pulled.name}; attempts {attempts}")
    until(lambda: _serving(api) == {host.name for host in two}, within=120)
    return outcome


def trial(*, rounds: int, say: Callable[[str], None]) -> Outcome:
    """Start an installation on two hosts, and pull cables."""
    with ExitStack() as stack:
        directory = Path(stack.enter_context(TemporaryDirectory(prefix="ho-", dir="/tmp")))
        two = stack.enter_context(hosts("ada", "bob"))
        (directory / "pg").mkdir(0o700)
        postgres = Postgres(directory / "pg", listen=_SHARED)
        stack.callback(postgres.close)
        valkey = stack.enter_context(Valkey(directory, _SHARED))
        url = make_url(postgres.make("stackyard")).set(host=_SHARED, query={}).render_as_string()
        team = Team(url, valkey.url, directory, TIMING)
        stack.callback(team.close)
        assert team.start("migrate").wait(60) == 0, (directory / "migrate.log").read_text()
        team.start("api")
        for host in two:
            team.start("worker-cpu", host.prefix)
        base_url = f"http://127.0.0.1:{team.port}"
        http = stack.enter_context(httpx2.Client(base_url=base_url, headers=AUTHORIZED, timeout=60))
        until(lambda: _answers(http), within=60)
        return pulls(Server(http), two, rounds=rounds, say=say)


def _answers(http: httpx2.Client) -> bool:
    try:
        return http.get("/readyz").is_success
    except httpx2.TransportError:
        return False


def _serving(api: Server) -> set[str]:
    workers = api.http.get("/v1/workers").json()["items"]
    return {worker["host"] for worker in workers if worker["state"] == "serving"}


def _ip(*words: str) -> None:
    subprocess.run([_IP or "ip", *words], check=True)
