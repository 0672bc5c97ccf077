"""What the commands print about a sweep: its state, its trials, its best trial, and the report of the check."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from stackyard.client import BestTrial, Sweep, SweepStatistics, Trial

MAX_TRIALS = 15
"""The number of trials that a table shows by default."""

_STATE_COLORS = {
    "succeeded": "green",
    "complete": "green",
    "failed": "red",
    "diverged": "red",
    "invalid": "red",
    "running": "cyan",
    "cancelled": "yellow",
    "paused": "yellow",
    "halted": "yellow",
    "held": "yellow",
}


def build_sweep_view(sweep: Sweep, trials: Sequence[Trial]) -> RenderableType:
    """Return the details of a sweep, and a table of some of its trials."""
    details = _build_details(_list_details(sweep))
    return Group(details, _build_trial_table(trials)) if trials else details


def build_best_view(sweep: Sweep, best: BestTrial, statistics: SweepStatistics) -> RenderableType:
    """Return the best trial's number, value, parameters and job."""
    return _build_details(_list_best(sweep, best, statistics))


def build_report_view(report: dict[str, Any]) -> RenderableType:
    """Return the totals of the report on a sweep, and the errors of its sampled trials."""
    details = _build_details(_list_report(report))
    errors = report["samples"]["errors"]
    return Group(details, _build_error_table(errors)) if errors else details


def format_state(state: str) -> Text:
    """Return a state in its color."""
    return Text(state, style=_STATE_COLORS.get(state, ""))


def format_parameters(parameters: dict[str, Any]) -> Text:
    """Return parameters in one line, each with the last names of its pointer, and objects by their types."""
    return Text("  ".join(f"{_shorten_pointer(name)}={_shorten_value(value)}" for name, value in parameters.items()))


def _list_details(sweep: Sweep) -> Iterator[tuple[str, str | Text]]:
    yield "sweep", f"{sweep.id}  {sweep.name or ''}"
    reason = sweep.reason or sweep.ending
    yield "state", format_state(sweep.state).append(f"  {reason.message}" if reason else "")
    objective = sweep.objective
    yield "searches", f"{sweep.method}, {objective.mode} of {objective.metric} at its {objective.at} epoch"
    counts = (f"{count} {name}" for name, count in sweep.counts if isinstance(count, int) and count)
    yield "trials", ", ".join(counts) or "none yet"
    yield "used", ", ".join(_list_budget(sweep))
    if sweep.rungs:
        yield "rungs", f"after {', '.join(map(str, sweep.rungs))} epochs"
    if sweep.best_value is not None:
        yield "best", f"{format_number(sweep.best_value.value)}, trial {sweep.best_value.trial}"


def _list_budget(sweep: Sweep) -> Iterator[str]:
    budget = sweep.budget
    yield f"{budget.used_trials}{_format_bound(budget.trials)} trials"
    yield f"{budget.used_epochs:,}{_format_bound(budget.epochs)} epochs"
    yield f"{budget.used_seconds:,.0f}{_format_bound(budget.seconds)} s"


def _format_bound(bound: float | None) -> str:
    return "" if bound is None else f" of {bound:,}"


def _list_best(sweep: Sweep, best: BestTrial, statistics: SweepStatistics) -> Iterator[tuple[str, str | Text]]:
    yield "trial", f"{best.number} of sweep {sweep.name or sweep.id}"
    value = "" if best.value is None else format_number(best.value)
    estimate = statistics.ranking[0].estimate if statistics.ranking else None
    if estimate is not None and estimate.low is not None and estimate.high is not None:
        value += f", 95 % from {format_number(estimate.low)} to {format_number(estimate.high)}, n = {estimate.n}"
    yield statistics.metric, value
    for pointer, parameter in best.parameters.items():
        yield pointer, _format_value(parameter)
    yield "job", best.job or "deleted"


def _list_report(report: dict[str, Any]) -> Iterator[tuple[str, str]]:
    objective, plan, samples = report["objective"], report["plan"], report["samples"]
    yield "objective", f"{objective['mode']} of {objective['metric']} at its {objective['at']} epoch"
    grid = report["grid_size"]
    yield "parameters", f"{report['dimensions']}" + ("" if grid is None else f", {grid:,} combinations")
    sizes = (f"{plan[name]:,} {name}" for name in ("trials", "jobs", "epochs") if plan[name] is not None)
    yield "about", ", ".join(sizes) or "unknown"
    if plan["rungs"]:
        yield "rungs", ", ".join(f"{rung['trials']} after {rung['epoch']} epochs" for rung in plan["rungs"])
    yield "samples", f"{samples['count']}, {samples['invalid']} of them invalid"
    yield "architectures", f"{report['architectures']} among the samples"
    if duration := report["duration"]:
        elapsed = duration["elapsed_s"]
        yield (
            "training",
            f"{duration['training_s']:,.0f} s" + ("" if elapsed is None else f", {elapsed:,.0f} s to wait"),
        )


def _build_error_table(errors: Sequence[dict[str, Any]]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("pointer", "samples", "error"):
        table.add_column(title, overflow="fold")
    for error in errors:
        fault = error["fault"]
        message = fault["message"] + (f": {fault['fix']}" if fault.get("fix") else "")
        table.add_row(Text(fault["pointer"] or "/", style="cyan"), f"{error['count']}", Text(message))
    return table


def _build_trial_table(trials: Sequence[Trial]) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for title in ("trial", "state", "value", "epochs", "parameters"):
        is_number = title in {"trial", "value", "epochs"}
        table.add_column(title, justify="right" if is_number else "left", no_wrap=title != "parameters")
    for trial in trials:
        value = "" if trial.value is None else format_number(trial.value)
        state = format_state(trial.state)
        table.add_row(f"{trial.number}", state, value, f"{trial.epochs}", format_parameters(trial.parameters))
    return table


def _build_details(details: Iterator[tuple[str, str | Text]]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="bold")
    for title, text in details:
        table.add_row(Text(title), Text(text) if isinstance(text, str) else text)
    return table


def format_number(value: float) -> str:
    """Return a value of an objective with as many digits as a table has room for."""
    return f"{value:.4g}"


def _shorten_pointer(pointer: str) -> str:
    """Return the last two segments of a pointer: enough to tell parameters apart, and short enough for a table."""
    return "/".join(pointer.split("/")[-2:])


def _shorten_value(value: Any) -> str:
    """Return a value that is an object by its type, and an array of objects by their types."""
    match value:
        case {"type": str(kind)}:
            return kind
        case [{}, *_]:
            return "-".join(map(_shorten_value, value))
        case str():
            return value
        case _:
            return _format_value(value)


def _format_value(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else json.dumps(value)
