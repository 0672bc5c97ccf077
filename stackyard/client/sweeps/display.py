"""How a sweep shows itself in a terminal and in a notebook."""

from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from html import escape

from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from stackyard.client.display.console import create_console
from stackyard.client.sweeps.views import SweepView


def describe_progress(sweep: SweepView) -> str:
    """Return how many trials have ended, of how many: `12 of 100 trials`."""
    total = estimate_trials(sweep)
    return f"{sweep.counts.ended}{f' of {total}' if total else ''} trials"


def describe_best(sweep: SweepView) -> str:
    """Return the best value so far and its trial; an empty string before the first complete trial."""
    best = sweep.best_value
    return "" if best is None else f"best {sweep.objective.metric} {best.value:.6g}, trial {best.trial}"


def estimate_trials(sweep: SweepView) -> int | None:
    """Return how many trials there will be; None if the budget does not say."""
    if sweep.finished or sweep.ending is not None:
        return sweep.counts.total
    if sweep.budget.trials is not None:
        return max(sweep.budget.trials + sweep.counts.invalid, sweep.counts.total)
    return sweep.counts.total if sweep.method == "list" else None


def render_sweep(sweep: SweepView) -> str:
    """Return HTML that is complete in itself, and in which every text is escaped."""
    lines = "".join(f"<div>{escape(line)}</div>" for line in _list_lines(sweep) if line)
    return f"<div><b>{escape(sweep.name or sweep.id)}</b> {escape(sweep.state)}{lines}</div>"


def _list_lines(sweep: SweepView) -> Iterator[str]:
    counts = {name: count for name, count in sweep.counts if isinstance(count, int) and count}
    yield ", ".join([describe_progress(sweep), *(f"{count} {state}" for state, count in counts.items())])
    yield describe_best(sweep)
    if reason := sweep.reason or sweep.ending:
        yield reason.message


@contextmanager
def show_progress_bar() -> Generator[Callable[[SweepView], None]]:
    """Yield a function that shows the trials of a sweep that have ended, and the best value, in a terminal."""
    columns = TextColumn("{task.description}", markup=False), BarColumn(), TextColumn("{task.fields[trials]}")
    best = TextColumn("{task.fields[best]}", markup=False)
    with Progress(*columns, TimeElapsedColumn(), best, console=create_console()) as bar:
        task = bar.add_task("waiting", total=None, trials="", best="")

        def show_sweep(sweep: SweepView) -> None:
            bar.update(
                task,
                description=sweep.state,
                completed=sweep.counts.ended,
                total=estimate_trials(sweep),
                trials=describe_progress(sweep),
                best=describe_best(sweep),
            )

        yield show_sweep
