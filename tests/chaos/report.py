"""The results of a run: a table with a row per scenario, the faults in words, and the bound on the fault rate."""

import json
import platform
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from rich import box
from rich.console import Console
from rich.table import Table

from stackyard.cores import count_usable_cores
from tests.chaos.round import Round
from tests.chaos.verdict import DUPLICATED, FINISHED, LOST, UNEXPECTED, Verdict
from tests.faults.outcome import Outcome

_COLUMNS = (
    "scenario", "database", "trials", "jobs", FINISHED, LOST, DUPLICATED, UNEXPECTED,
    "epochs once", "missing", "twice", "other bits", "stale writes", "resumed", "bad", "at 95 %",
)  # fmt: skip


_ALLOWED_STATUSES = {"429", "503", "507"}
"""Answers that are correct while something is down, or while a user has as many waiting jobs as they may."""


@dataclass(frozen=True)
class Result:
    """The result of a scenario; the fields are keys of the results file.

    `trials` counts the disturbances by kind, `measured` has further figures. `broken` describes each broken promise
    that does not concern a single job.
    """

    scenario: str
    database: str
    seed: int
    seconds: float
    trials: Mapping[str, int]
    verdict: Verdict
    measured: Mapping[str, Any] = field(default_factory=dict)
    broken: Sequence[str] = ()

    @classmethod
    def from_round(
        cls,
        round_: Round,
        scenario: str,
        start: float,
        trials: Mapping[str, int],
        verdict: Verdict,
        measured: Mapping[str, Any],
        broken: Sequence[str] = (),
    ) -> Self:
        """Build the result of a round, and count wrong answers of the API as broken promises."""
        answers = round_.load.answers
        figures = {
            **measured,
            "attempts": verdict.attempts,
            "attempts that ended before their jobs": dict(sorted(verdict.requeued.items())),
            "jobs with the bits of an undisturbed run": verdict.same_bits,
            "answers": dict(sorted(answers.items())),
            "slowest reads, s": round(round_.load.slow_s, 2),
        }
        actions = {} if round_.load.owner_actions is None else round_.load.owner_actions.counts
        counts = [*answers.items(), *actions.items()]
        wrong = [f"the API answered {status}, {count} times" for status, count in counts if _is_wrong_status(status)]
        seconds = time.monotonic() - start
        return cls(scenario, round_.database, round_.seed, seconds, trials, verdict, figures, (*broken, *wrong))

    @classmethod
    def from_outcome(
        cls, scenario: str, database: str, seed: int, start: float, trials: Mapping[str, int], outcome: Outcome
    ) -> Self:
        """Build the result of a trial of `tests.faults`."""
        seconds = time.monotonic() - start
        return cls(scenario, database, seed, seconds, trials, Verdict(), outcome.figures, outcome.wrong)

    @classmethod
    def from_error(cls, scenario: str, database: str, seed: int, start: float, error: str) -> Self:
        """Build the result of a scenario that ended with an exception."""
        return cls(scenario, database, seed, time.monotonic() - start, {}, Verdict(), {}, [error])

    @property
    def trial_count(self) -> int:
        return sum(self.trials.values())

    @property
    def fault_count(self) -> int:
        return self.verdict.fault_count + len(self.broken)

    def format_bound(self) -> str:
        """Format the upper bound of the fault rate per trial at 95 % confidence: 3/N after N trials without faults."""
        if self.fault_count or not self.trial_count:
            return "-"
        return f"< {float(f'{100 * min(1.0, 3 / self.trial_count):.2g}'):g} %"


def _is_wrong_status(label: str) -> bool:
    """Return whether an answer is a fault; to an owner's action ("cancel 409"), a 4xx is no fault."""
    action, _, status = label.rpartition(" ")
    return status.startswith("5" if action else ("4", "5")) and status not in _ALLOWED_STATUSES


def print_results(results: Sequence[Result], console: Console) -> None:
    """Print the table, then trials, figures and faults of each result, and the verdict."""
    table = Table(box=box.SIMPLE)
    for index, column in enumerate(_COLUMNS):
        table.add_column(column, justify="right" if index > 1 else "left")
    for result in results:
        table.add_row(*_format_row(result))
    console.print(table)
    for result in results:
        _print_details(result, console)
    faults = sum(result.fault_count for result in results)
    trials = sum(result.trial_count for result in results)
    words = "nothing lost, nothing twice" if not faults else f"{faults} faults"
    console.print(f"[bold {'red' if faults else 'green'}]{words} in {trials} trials[/]")


def write_results(results: Sequence[Result], path: Path) -> None:
    """Write all results to a file as JSON."""
    machine = {"system": platform.platform(), "python": platform.python_version(), "cores": count_usable_cores()}
    documents = [_to_document(result) for result in results]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"machine": machine, "results": documents}, indent=2) + "\n")


def _format_row(result: Result) -> list[str]:
    jobs, epochs = result.verdict.jobs, result.verdict.epochs
    counts = [jobs.total(), *(jobs[name] for name in (FINISHED, LOST, DUPLICATED, UNEXPECTED))]
    counts += [epochs[name] for name in ("once", "missing", "twice", "other bits")]
    counts += [result.verdict.stale_writes, result.verdict.resumed, result.fault_count]
    return [result.scenario, result.database, str(result.trial_count), *map(str, counts), result.format_bound()]


def _print_details(result: Result, console: Console) -> None:
    trials = ", ".join(f"{count} {name}" for name, count in sorted(result.trials.items()))
    console.print(f"- {result.scenario} on {result.database}, seed {result.seed}, {result.seconds:.0f} s: {trials}")
    for name, figure in result.measured.items():
        console.print(f"    {name}: {figure}")
    for fault in (*result.broken, *result.verdict.faults):
        console.print(f"    [red]{fault}[/]", highlight=False)


def _to_document(result: Result) -> dict[str, Any]:
    verdict = vars(result.verdict)
    return vars(result) | {"verdict": verdict, "bad": result.fault_count, "bound": result.format_bound()}
