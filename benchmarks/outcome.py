"""The outcome of a part of the benchmark: a table, figures for a file, and targets that are met or missed."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from machine import describe_machine
from pairs import round_significant
from rich import box
from rich.console import Console
from rich.table import Table

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Target:
    """A figure and its target value."""

    name: str
    reached: float
    bound: float
    unit: str = ""
    at_most: bool = False

    @property
    def is_met(self) -> bool:
        """Whether the figure reaches its target."""
        return self.reached <= self.bound if self.at_most else self.reached >= self.bound

    def to_document(self) -> dict[str, Any]:
        """Return the target for a results file."""
        bound_key = "at_most" if self.at_most else "at_least"
        unit = {"unit": self.unit} if self.unit else {}
        return {
            "what": self.name,
            "reached": round_significant(self.reached),
            bound_key: self.bound,
            **unit,
            "met": self.is_met,
        }


@dataclass(frozen=True)
class Outcome:
    """The table, the figures and the targets of a part; `notes` explain the measurements to readers of the table."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    figures: dict[str, Any]
    targets: Sequence[Target] = ()
    notes: Sequence[str] = field(default_factory=tuple)

    def print_table(self) -> None:
        """Print the table, the targets and the notes."""
        console = Console(highlight=False, width=None if Console().is_terminal else 140)
        console.print(f"[bold]{self.title}[/]")
        console.print(_build_table(self.columns, self.rows))
        if self.targets:
            rows = [_format_target(target) for target in self.targets]
            console.print(_build_table(("target", "wanted", "reached", ""), rows))
        for note in self.notes:
            console.print(f"- {note}")
        console.print()

    def write(self, name: str, machine: dict[str, Any]) -> Path:
        """Write the figures to `benchmarks/results`, with the `machine` as described before the measurements."""
        RESULTS.mkdir(exist_ok=True)
        path = RESULTS / f"{name}.json"
        content = {
            **self.figures,
            "targets": [target.to_document() for target in self.targets],
            "notes": list(self.notes),
        }
        path.write_text(json.dumps({"machine": machine, **content}, indent=2) + "\n")
        return path


def write_figures(name: str, figures: dict[str, Any]) -> None:
    """Write figures to `benchmarks/results`, with a description of the machine."""
    Outcome("", (), (), figures).write(name, describe_machine())


def format_number(value: float, digits: int = 3) -> str:
    """Format a number for a table, with this many significant digits and no exponent."""
    rounded = round_significant(value, digits)
    return f"{rounded:,.0f}" if abs(rounded) >= 10 ** (digits - 1) else f"{rounded:g}"


def _format_target(target: Target) -> tuple[str, str, str, str]:
    bound = "at most" if target.at_most else "at least"
    verdict = "[green]met[/]" if target.is_met else "[red]MISSED[/]"
    return (
        target.name,
        f"{bound} {target.bound:g} {target.unit}".rstrip(),
        f"{format_number(target.reached)} {target.unit}".rstrip(),
        verdict,
    )


def _build_table(columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    table = Table(box=box.SIMPLE)
    for index, column in enumerate(columns):
        table.add_column(column, justify="right" if index and column else "left")
    for row in rows:
        table.add_row(*(format_number(cell) if isinstance(cell, float) else str(cell) for cell in row))
    return table
