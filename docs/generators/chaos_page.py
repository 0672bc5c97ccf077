"""Builds the page on chaos runs, from the result that `make chaos ARGS="… --keep FILE"` writes."""

from collections.abc import Iterator
from typing import Any

from docs.generators.benchmark_pages import read_result
from docs.generators.markdown import format_generated_note, format_table

INTRODUCTION = """\
# Chaos runs

{note}

`make chaos` disturbs a whole server under load, and then judges every job, epoch, write and file.
[Reliability](../design/reliability.md) explains the scenarios and the verdicts. This is the run that the repository
keeps, made by:

```console
$ make chaos ARGS="kills --trials 20 --keep benchmarks/results/chaos.json"
```

"Bad" counts lost, duplicated and unexpected jobs, missing, repeated and differing epochs, stale writes, corrupt files
and responses that a client must never get. No fault in N trials bounds the rate of faults: at 95 % confidence it is at
most 3/N."""

_JOBS = ("finished", "lost", "duplicated", "unexpected")
_EPOCHS = ("once", "missing", "twice", "other bits")


def build_chaos_page() -> str:
    """Return the page."""
    return "\n\n".join(_list_sections(read_result("chaos"))) + "\n"


def _list_sections(report: dict[str, Any]) -> Iterator[str]:
    yield INTRODUCTION.format(note=format_generated_note("`benchmarks/results/chaos.json`"))
    results = report["results"]
    yield "## Verdicts"
    header = ("scenario", "database", "seed", "trials", "resumed jobs", "stale writes", "bad", "at 95 %")
    yield format_table(header, [_list_verdict_cells(result) for result in results], numbers=2)
    yield "## Jobs"
    rows = [_list_count_cells(result, "jobs", _JOBS) for result in results]
    yield format_table(("scenario", "database", *_JOBS), rows, numbers=2)
    yield "## Epochs"
    rows = [_list_count_cells(result, "epochs", _EPOCHS) for result in results]
    yield format_table(("scenario", "database", *_EPOCHS), rows, numbers=2)
    yield "## Trials"
    kinds = sorted({kind for result in results for kind in result["trials"]})
    rows = [_list_trial_cells(result, kinds) for result in results]
    yield format_table(("scenario", "database", *kinds), rows, numbers=2)
    machine = report["machine"]
    yield f"Machine: {machine['cores']} cores, Python {machine['python']}."


def _list_verdict_cells(result: dict[str, Any]) -> tuple[object, ...]:
    verdict = result["verdict"]
    trials = sum(result["trials"].values())
    return (
        *_list_names(result),
        result["seed"],
        trials,
        verdict["resumed"],
        verdict["stale_writes"],
        result["bad"],
        result["bound"],
    )


def _list_count_cells(result: dict[str, Any], kind: str, names: tuple[str, ...]) -> tuple[object, ...]:
    counts = result["verdict"][kind]
    return (*_list_names(result), *(f"{counts.get(name, 0):,}" for name in names))


def _list_trial_cells(result: dict[str, Any], kinds: list[str]) -> tuple[object, ...]:
    return (*_list_names(result), *(result["trials"].get(kind, 0) for kind in kinds))


def _list_names(result: dict[str, Any]) -> tuple[str, str]:
    return result["scenario"], result["database"]
