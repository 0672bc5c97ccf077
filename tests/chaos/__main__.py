"""`make chaos`: disturb a real server under load with every scenario, and judge the outcome of every job.

    python -m tests.chaos                                  # every scenario, a short run of each
    python -m tests.chaos kills --trials 300 --database postgres --seed 7
    python -m tests.chaos steps --trials 20 --place commit --place replace --keep run.json
    python -m tests.chaos --full

The exit status says whether every promise was kept. The seed determines the victims and the waits in between. It does
not determine what the victim is doing when it is struck: that depends on the machine.
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
    """A description of a scenario, and the number of trials and of jobs in a full run."""

    description: str
    trials: int
    jobs: int = 0


SCENARIOS = {
    "kills": Scenario("SIGKILL at random moments on API, workers, their children, broker and `serve`", 300, 500),
    "steps": Scenario("SIGKILL before and after every durable step; trials count for each", 20),
    "stops": Scenario("SIGSTOP of a worker for longer than its lease, then SIGCONT", 50),
    "deploys": Scenario("SIGTERM to a worker, which releases its jobs", 20),
    "brokers": Scenario("the broker killed, emptied, and stopped for a while", 50),
    "submits": Scenario("submits while the broker is dead; a trial is 50 submits", 10),
    "absence": Scenario("no broker for a number of minutes, with a submit in each; a trial is a minute", 60),
    "writers": Scenario("8 processes that write to SQLite; a trial is 500 writes", 100),
    "postgres": Scenario("PostgreSQL restarted under load", 20),
    "hosts": Scenario("workers on two hosts (network namespaces: needs root), whose cables are pulled", 20),
    "streams": Scenario("200 event streams and 50 pollers; a trial is 6 seconds", 100),
    "disk": Scenario("the disk full for a while", 50),
    "errors": Scenario("an error of the disk at every step that writes a file; trials count for each", 5),
    "sweep": Scenario("SIGKILL at random moments while three sweeps run", 50, 200),
    "team": Scenario("SIGKILL at random moments on a server with users, shares and limits", 50, 200),
    "poison": Scenario("jobs that crash their process, among others", 10, 100),
}


def main() -> int:
    """Run the named scenarios, or all."""
    arguments = _build_parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # so that started processes are stopped
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
        options |= {"step_filters": arguments.place} if arguments.place else {}
        options |= dict(assignment.split("=", 1) for assignment in arguments.set)
        supported = getattr(scenario, "DATABASES", _DATABASES)
        for database in [name for name in arguments.database or _DATABASES if name in supported]:
            console.rule(f"{name} on {database}")
            results.append(_run_scenario(scenario, name, database, seed, options))
            if arguments.keep:
                report.write_results(results, arguments.keep)
    report.print_results(results, console)
    return int(any(result.fault_count for result in results))


def _run_scenario(scenario: Any, name: str, database: str, seed: int, options: dict[str, Any]) -> report.Result:
    """Return the scenario's result; an exception becomes a result, too, so that the other scenarios still run."""
    start = time.monotonic()
    try:
        return scenario.run(database, seed=seed, **options)
    except Exception:  # noqa: BLE001  # one scenario must not end a long run
        return report.Result.from_error(name, database, seed, start, traceback.format_exc())


def _build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    descriptions = "; ".join(f"{name}: {scenario.description}" for name, scenario in SCENARIOS.items())
    parser.add_argument(
        "scenarios", nargs="*", choices=[*SCENARIOS, []], metavar="scenario", help=f"{descriptions}. Or all."
    )
    parser.add_argument("--trials", type=int, help=f"the number of trials of each scenario; {_TRIALS} by default")
    parser.add_argument(
        "--full", action="store_true", help="the number of trials in docs/reliability.md; takes many hours"
    )
    parser.add_argument(
        "--jobs", type=int, default=0, help="the number of jobs meanwhile; each scenario has its own default"
    )
    parser.add_argument("--seed", type=int, help="the seed of all random choices; a new one by default")
    parser.add_argument(
        "--database", action="append", choices=_DATABASES, help="run on this database; on both by default"
    )
    parser.add_argument("--kind", action="append", choices=SPECS, help="a kind of job; all five by default")
    parser.add_argument("--place", action="append", help="strike only steps whose name contains this; all by default")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting of the server, as an environment variable",
    )
    parser.add_argument("--logs", type=Path, help="a directory for the servers' logs")
    parser.add_argument("--keep", type=Path, help="a file for all results, as JSON")
    return parser


if __name__ == "__main__":
    sys.exit(main())
