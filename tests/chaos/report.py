"""What a run has to tell: a row a scenario, its faults in words, and a verdict with what zero in so many bounds."""

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


_MAY_BE = {"503", "507"}
"""It cannot now, or there is no room: what a client may be told while something is down."""


@dataclass(frozen=True)
class Result:
    """What came of a scenario.

    `trials` counts what was done to the server, by kind; `measured` has further figures, `broken` the promises beside
    the jobs' own that were not kept, in words.
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
    def of(
        cls,
        round_: Round,
        scenario: str,
        began: float,
        trials: Mapping[str, int],
        verdict: Verdict,
        measured: Mapping[str, Any],
        broken: Sequence[str] = (),
    ) -> Self:
        """What came of a round; what the API must never answer is looked for here."""
        answers = round_.load.answers
        figures = {
            **measured,
            "attempts": verdict.attempts,
            "attempts that ended before their jobs": dict(sorted(verdict.requeued.items())),
            "jobs with the bits of an undisturbed run": verdict.same_bits,
            "answers": dict(sorted(answers.items())),
            "slowest reads, s": round(round_.load.slow_s, 2),
        }
        deeds = {} if round_.load.deeds is None else round_.load.deeds.done
        told = [*answers.items(), *deeds.items()]
        wrong = [f"the API answered {status}, {count} times" for status, count in told if _wrong(status)]
        seconds = time.monotonic() - began
        return cls(scenario, round_.database, round_.seed, seconds, trials, verdict, figures, (*broken, *wrong))

    @classmethod
    def told(
        cls, scenario: str, database: str, seed: int, began: float, trials: Mapping[str, int], outcome: Outcome
    ) -> Self:
        """What came of a trial that judges by itself."""
        seconds = time.monotonic() - began
        return cls(scenario, database, seed, seconds, trials, Verdict(), outcome.figures, outcome.wrong)

    @classmethod
    def broken_off(cls, scenario: str, database: str, seed: int, began: float, why: str) -> Self:
        """A scenario that did not come to its end."""
        return cls(scenario, database, seed, time.monotonic() - began, {}, Verdict(), {}, [why])

    @property
    def number(self) -> int:
        return sum(self.trials.values())

    @property
    def bad(self) -> int:
        """How much went wrong."""
        return self.verdict.bad + len(self.broken)

    def bound(self) -> str:
        """With what probability at most a trial does harm, at 95 %: three in N where none of N did."""
        if self.bad or not self.number:
            return "-"
        return f"< {float(f'{100 * min(1.0, 3 / self.number):.2g}'):g} %"


def _wrong(status: str) -> bool:
    """Whether an answer is none that a client may be given; to a deed, a status of 4xx is one."""
    deed, _, status = status.rpartition(" ")
    return status.startswith("5" if deed else ("4", "5")) and status not in _MAY_BE


def show(results: Sequence[Result], console: Console) -> None:
    """Print the table, what was done, what was wrong, and the verdict."""
    table = Table(box=box.SIMPLE)
    for place, column in enumerate(_COLUMNS):
        table.add_column(column, justify="right" if place > 1 else "left")
    for result in results:
        table.add_row(*_row(result))
    console.print(table)
    for result in results:
        _tell(result, console)
    bad = sum(result.bad for result in results)
    trials = sum(result.number for result in results)
    words = "nothing lost, nothing twice" if not bad else f"{bad} faults"
    console.print(f"[bold {'red' if bad else 'green'}]{words} in {trials} trials[/]")


def keep(results: Sequence[Result], path: Path) -> None:
    """Write everything to a file."""
    machine = {"system": platform.platform(), "python": platform.python_version(), "cores": count_usable_cores()}
    told = [_told(result) for result in results]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"machine": machine, "results": told}, indent=2) + "\n")


def _row(result: Result) -> list[str]:
    jobs, epochs = result.verdict.jobs, result.verdict.epochs
    counts = [jobs.total(), *(jobs[name] for name in (FINISHED, LOST, DUPLICATED, UNEXPECTED))]
    counts += [epochs[name] for name in ("once", "missing", "twice", "other bits")]
    counts += [result.verdict.stale_writes, result.verdict.resumed, result.bad]
    return [result.scenario, result.database, str(result.number), *map(str, counts), result.bound()]


def _tell(result: Result, console: Console) -> None:
    trials = ", ".join(f"{count} {name}" for name, count in sorted(result.trials.items()))
    console.print(f"- {result.scenario} on {result.database}, seed {result.seed}, {result.seconds:.0f} s: {trials}")
    for name, figure in result.measured.items():
        console.print(f"    {name}: {figure}")
    for fault in (*result.broken, *result.verdict.faults):
        console.print(f"    [red]{fault}[/]", highlight=False)


def _told(result: Result) -> dict[str, Any]:
    return vars(result) | {"verdict": vars(result.verdict), "bad": result.bad, "bound": result.bound()}
