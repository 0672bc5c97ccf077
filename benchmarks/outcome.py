"""What a part of the benchmark has to tell: a table, figures for a file, and targets met or missed."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from machine import machine
from pairs import significant
from rich import box
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Target:
    """A figure beside what issue 4 asks of it."""

    what: str
    reached: float
    wanted: float
    unit: str = ""
    at_most: bool = False

    @property
    def met(self) -> bool:
        """Whether the figure is as good as was asked."""
        return self.reached <= self.wanted if self.at_most else self.reached >= self.wanted

    def told(self) -> dict[str, Any]:
        """The target for a file."""
        bound = "at_most" if self.at_most else "at_least"
        unit = {"unit": self.unit} if self.unit else {}
        return {"what": self.what, "reached": significant(self.reached), bound: self.wanted, **unit, "met": self.met}


@dataclass(frozen=True)
class Outcome:
    """What a part measured; `notes` say how, for whoever reads the table."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    figures: dict[str, Any]
    targets: Sequence[Target] = ()
    notes: Sequence[str] = field(default_factory=tuple)

    def show(self) -> None:
        """Print the table, the targets and the notes."""
        console = Console(highlight=False, width=None if Console().is_terminal else 140)
        console.print(f"[bold]{self.title}[/]")
        console.print(_table(self.columns, self.rows))
        if self.targets:
            rows = [_target(target) for target in self.targets]
            console.print(_table(("target", "wanted", "reached", ""), rows))
        for note in self.notes:
            console.print(f"- {note}")
        console.print()

    def keep(self, name: str, described: dict[str, Any]) -> Path:
        """Write the figures to `benchmarks/results`, with the machine as `described` before anything was measured."""
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{name}.json"
        told = {**self.figures, "targets": [target.told() for target in self.targets], "notes": list(self.notes)}
        path.write_text(json.dumps({"machine": described, **told}, indent=2) + "\n")
        return path


def keep(name: str, figures: dict[str, Any]) -> None:
    """Write figures to `benchmarks/results`."""
    Outcome("", (), (), figures).keep(name, machine())


def number(value: float, digits: int = 3) -> str:
    """A number for a table: so many significant digits, and no exponent."""
    rounded = significant(value, digits)
    return f"{rounded:,.0f}" if abs(rounded) >= 10 ** (digits - 1) else f"{rounded:g}"


def _target(target: Target) -> tuple[str, str, str, str]:
    bound = "at most" if target.at_most else "at least"
    verdict = "[green]met[/]" if target.met else "[red]MISSED[/]"
    return (
        target.what,
        f"{bound} {target.wanted:g} {target.unit}".rstrip(),
        f"{number(target.reached)} {target.unit}".rstrip(),
        verdict,
    )


def _table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    table = Table(box=box.SIMPLE)
    for place, column in enumerate(columns):
        table.add_column(column, justify="right" if place and column else "left")
    for row in rows:
        table.add_row(*(number(cell) if isinstance(cell, float) else str(cell) for cell in row))
    return table
