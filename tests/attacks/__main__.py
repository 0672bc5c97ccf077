"""Runs the attacks: `python -m tests.attacks [--database postgres] [--token TOKEN] [NAMES]`.

Every module of this package with a function `run_attack` is an attack; its function `prepare_attack`, if there is one,
runs before the measurement. A probe measures how the server answers others, first without the attack and then during
it. The exit status is 1 if the server did not hold against one.
"""

import argparse
import sys
import time
from types import ModuleType

from rich.console import Console
from rich.table import Table

from tests.attacks.target import start_target
from tests.attacks.verdict import MAX_HEALTH_MS, MAX_POST_MS, Verdict, carry_out, find_attacks

_COLUMNS = ("point", "attack", "figures", "", "healthz p99", "POST p99", "load", "verdict")


def main() -> int:
    """Run the attacks that the command line names, by default all."""
    parser = argparse.ArgumentParser(prog="python -m tests.attacks", description=__doc__)
    parser.add_argument("names", nargs="*", help="modules of tests.attacks; by default all")
    parser.add_argument("--database", choices=["sqlite", "postgres"], default="sqlite")
    parser.add_argument("--token", help="a token for the server; by default it has none")
    arguments = parser.parse_args()
    console = Console(width=None if sys.stdout.isatty() else 140)
    attacks = find_attacks(arguments.names)
    title = f"{arguments.database}: /healthz under {MAX_HEALTH_MS:.0f} ms, POST under {MAX_POST_MS:.0f} ms"
    table = Table(*_COLUMNS, title=title, show_lines=True)
    verdicts: list[Verdict] = []
    with start_target(arguments.database, arguments.token) as target:
        for attack in attacks:
            started_at = time.monotonic()
            verdicts.append(carry_out(attack, target))
            table.add_row(*describe(attack, verdicts[-1]))
            console.print(f"{_format_progress(attack, verdicts[-1])} ({time.monotonic() - started_at:.1f} s)")
    console.print(table)
    return 0 if all(verdict.is_passed for verdict in verdicts) else 1


def _format_progress(attack: ModuleType, verdict: Verdict) -> str:
    """Return a line with the times before and during an attack, for those who read before all attacks are over."""
    health, post, load = zip(verdict.calm.list_cells(), verdict.attacked.list_cells(), strict=True)
    times = f"healthz {' → '.join(health)}, POST {' → '.join(post)}, load {' → '.join(load)}"
    return f"{attack.TITLE}: {verdict}; {times}"


def describe(attack: ModuleType, verdict: Verdict) -> list[str]:
    """Return the row of an attack."""
    color = "green" if verdict.is_passed else "red"
    figures = ", ".join(f"{name} {value}" for name, value in verdict.result.figures.items())
    pairs = zip(verdict.calm.list_cells(), verdict.attacked.list_cells(), strict=True)
    times = [f"{calm}\n{attacked}" for calm, attacked in pairs]
    return [str(attack.POINT), attack.TITLE, figures, "before\nduring", *times, f"[{color}]{verdict}[/]"]


if __name__ == "__main__":
    sys.exit(main())
