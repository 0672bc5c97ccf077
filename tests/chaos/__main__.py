"""`make chaos`: disturb a real server under load in every way that is written down, and judge what became of the jobs.

    python -m tests.chaos                                  # every scenario, a short run of each
    python -m tests.chaos kills --trials 300 --database postgres --seed 7
    python -m tests.chaos steps --trials 20 --place _recover --place _leave --keep run.json
    python -m tests.chaos --full

The exit status says whether every promise was kept. The seed decides who is struck and how long it is waited in
between; what the struck process was doing at that moment is the machine's to decide.
"""

import argparse
import importlib
import secrets
import signal
import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console

from tests.chaos import report
from tests.chaos.specs import SPECS

_TRIALS = 10
_DATABASES = ("sqlite", "postgres")


@dataclass(frozen=True)
class Scenario:
    """What a scenario does, and how much of it a full run is: trials and, where it matters, jobs."""

    what: str
    trials: int
    jobs: int = 0


SCENARIOS = {
    "kills": Scenario("SIGKILL at random moments on API, workers, their children, broker and `serve`", 300, 500),
    "steps": Scenario("SIGKILL before and after every durable step; trials count for each", 20),
    "stops": Scenario("SIGSTOP of a worker for longer than its lease, then SIGCONT", 50),
    "deploys": Scenario("SIGTERM to a worker, which hands its jobs back", 20),
    "brokers": Scenario("the broker killed, emptied, and standing still", 50),
    "submits": Scenario("submits while the broker is dead; a trial is fifty", 10),
    "absence": Scenario("no broker for so many minutes, with a submit in each", 60),
    "writers": Scenario("8 processes that write to SQLite; a trial is 500 writes", 100),
    "postgres": Scenario("PostgreSQL restarted under load", 20),
    "hosts": Scenario("workers on two hosts (network namespaces: needs root), whose cables are pulled", 20),
    "streams": Scenario("200 event streams and 50 pollers; a trial is six seconds", 100),
    "disk": Scenario("the disk full for a while", 50),
    "errors": Scenario("an error of the disk at every step that writes a file; trials count for each", 5),
    "poison": Scenario("jobs that take their process down, among others", 10, 100),
}


def main() -> int:
    """Run what the command line names, or all."""
    arguments = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # so that what was started is ended
    console = Console(highlight=False, width=None if Console().is_terminal else 200)
    seed = secrets.randbits(32) if arguments.seed is None else arguments.seed
    console.print(f"seed {seed}")
    results: list[report.Result] = []
    for name in arguments.scenarios or SCENARIOS:
        trials = arguments.trials or (SCENARIOS[name].trials if arguments.full else _TRIALS)
        jobs = arguments.jobs or (SCENARIOS[name].jobs if arguments.full else 0)
        scenario = importlib.import_module(f"tests.chaos.scenarios.{name}")
        options = {"trials": trials, "jobs": jobs, "logs": arguments.logs, "say": console.print}
        options |= {"kinds": arguments.kind} if arguments.kind else {}
        options |= {"places": arguments.place} if arguments.place else {}
        options |= dict(one.split("=", 1) for one in arguments.set)
        possible = getattr(scenario, "DATABASES", _DATABASES)
        for database in [one for one in arguments.database or _DATABASES if one in possible]:
            console.rule(f"{name} on {database}")
            results.append(_run(scenario, name, database, seed, options))
            if arguments.keep:
                report.keep(results, arguments.keep)
    report.show(results, console)
    return int(any(result.bad for result in results))


def _run(scenario: Any, name: str, database: str, seed: int, options: dict[str, Any]) -> report.Result:
    """What came of it; a scenario that cannot go on says so, and the others have their turn."""
    began = time.monotonic()
    try:
        return scenario.run(database, seed=seed, **options)
    except Exception:  # noqa: BLE001  # a night of runs is worth more than one of them
        return report.Result.broken_off(name, database, seed, began, traceback.format_exc())


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told = "; ".join(f"{name}: {one.what}" for name, one in SCENARIOS.items())
    parser.add_argument("scenarios", nargs="*", choices=[*SCENARIOS, []], metavar="scenario", help=f"{told}. Or all.")
    parser.add_argument("--trials", type=int, help=f"how often each is done to the server; {_TRIALS}, unless given")
    parser.add_argument(
        "--full", action="store_true", help="as often as docs/reliability.md wants it: takes many hours"
    )
    parser.add_argument(
        "--jobs", type=int, default=0, help="how many come meanwhile; each scenario has its own number"
    )
    parser.add_argument("--seed", type=int, help="of everything that is drawn; a new one, unless given")
    parser.add_argument("--database", action="append", choices=_DATABASES, help="one of them; both, unless given")
    parser.add_argument("--kind", action="append", choices=SPECS, help="of job; all five, unless given")
    parser.add_argument(
        "--place", action="append", help="a word in the names of the steps that are struck; all of them, unless given"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="NAME=VALUE", help="a setting of the server's, as a variable"
    )
    parser.add_argument("--logs", type=Path, help="a directory for the logs of the servers")
    parser.add_argument("--keep", type=Path, help="a file for every figure, as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
