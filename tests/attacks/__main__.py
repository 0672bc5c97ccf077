"""Runs the attacks: `python -m tests.attacks [--database postgres] [--token TOKEN] [NAMES]`.

Every module of this package with a function `run_attack` is an attack. Meanwhile, a probe measures how the server
answers others. The exit status is 1 if the server did not hold against one.
"""

import argparse
import importlib
import pkgutil
import sys
import time
import traceback
from types import ModuleType

from rich.console import Console
from rich.table import Table

import tests.attacks
from tests.attacks.probe import Samples, start_probe
from tests.attacks.target import AttackResult, Target, start_target

_MAX_HEALTH_MS = 100.0
_MAX_POST_MS = 300.0
_CALM_S = 3.0


def main() -> int:
    """Run the attacks that the command line names, by default all."""
    parser = argparse.ArgumentParser(prog="python -m tests.attacks", description=__doc__)
    parser.add_argument("names", nargs="*", help="modules of tests.attacks; by default all")
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--token", help="a token for the server; by default it has none")
    arguments = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 140)
    attacks = find_attacks(arguments.names)
    table = Table("point", "attack", "figures", "healthz p99", "POST p99", "verdict", title=arguments.database)
    are_held: list[bool] = []
    with start_target(arguments.database, arguments.token) as target:
        with start_probe(target.url, target.token) as samples:
            time.sleep(_CALM_S)
        table.add_row("", "(no attack)", "", *format_times(samples), "")
        for attack in attacks:
            started_at = time.monotonic()
            result, samples = carry_out(attack, target)
            are_held.append(judge(result, samples))
            table.add_row(*describe(attack, result, samples))
            seconds = time.monotonic() - started_at
            console.print(f"{attack.TITLE}: {'held' if are_held[-1] else 'did not hold'} ({seconds:.1f} s)")
    console.print(table)
    return 0 if all(are_held) else 1


def find_attacks(names: list[str]) -> list[ModuleType]:
    """Return the attacks, in the order of their points."""
    found = [module.name for module in pkgutil.iter_modules(tests.attacks.__path__) if module.name != "__main__"]
    if unknown := set(names) - set(found):
        raise SystemExit(f"there is no attack {', '.join(sorted(unknown))}; the attacks: {', '.join(found)}")
    modules = [importlib.import_module(f"tests.attacks.{name}") for name in names or found]
    return sorted((module for module in modules if hasattr(module, "run_attack")), key=lambda module: module.POINT)


def carry_out(attack: ModuleType, target: Target) -> tuple[AttackResult, Samples]:
    """Run an attack while the probe measures. An attack that fails counts as one that the server did not hold."""
    with start_probe(target.url, target.token) as samples:
        try:
            result = attack.run_attack(target)
        except Exception as error:  # noqa: BLE001  # the other attacks still run
            traceback.print_exc()
            result = AttackResult(held=False, figures={"error": repr(error)})
    return result, samples


def judge(result: AttackResult, samples: Samples) -> bool:
    """Return whether the server held, and answered others in time."""
    is_quick = samples.compute_p99_ms("health") < _MAX_HEALTH_MS and samples.compute_p99_ms("post") < _MAX_POST_MS
    return result.held and is_quick


def describe(attack: ModuleType, result: AttackResult, samples: Samples) -> list[str]:
    """Return the row of an attack."""
    verdict = "[green]held[/]" if judge(result, samples) else "[red]late[/]" if result.held else "[red]did not hold[/]"
    figures = ", ".join(f"{name} {value}" for name, value in result.figures.items())
    return [str(attack.POINT), attack.TITLE, figures, *format_times(samples), verdict]


def format_times(samples: Samples) -> list[str]:
    """Return the 99th percentiles of the probe."""
    return [f"{samples.compute_p99_ms(kind):.0f} ms" for kind in ("health", "post")]


if __name__ == "__main__":
    sys.exit(main())
