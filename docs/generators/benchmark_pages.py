"""Builds the pages on benchmarks and experiments, from the files in `benchmarks/results`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docs.generators.markdown import format_generated_note, format_table

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"

_EXPERIMENTS = {
    "red-wine": "red wine",
    "concrete-plain": "concrete, plain",
    "concrete-batchnorm": "concrete, batch normalization",
    "spotify": "spotify",
    "mnist-plain": "MNIST, plain",
    "mnist-dropout": "MNIST, dropout",
    "iris-batchnorm": "iris, batch normalization",
}

BENCHMARKS = """\
# Benchmarks

{note}

`make bench` measures jobs, training steps, a sweep, latencies and memory. The tables show the runs that the repository
keeps in `benchmarks/results`, each with its machine and its targets. Machines are shared and noisy: compare medians of
runs in turn, and measure on a machine that does nothing else.

"Script" is the script of stock Keras that the server exports for the same job. "Stock" is Keras's own `fit`. A table
whose machine has no version of JAX is older than the engine on JAX: all its jobs ran on TensorFlow."""

EXPERIMENTS = """\
# Experiments

{note}

Seven experiments on dropout and batch normalization measure how faithful the results are. Each job has a counterpart:
the script of stock pandas, scikit-learn and Keras that the server exports for it. `make reproduce` runs both, over
several seeds, with the order of rows that stock `fit` uses (`"shuffle": "keras"`).

The specs are in `benchmarks/specs`. The data are not part of the repository: `make reproduce SHARED=DIRECTORY` reads
them from `DIRECTORY/data`. If the machine below has no version of JAX, all jobs ran on TensorFlow.

"concrete, plain" diverges on purpose: gradient descent meets columns that are neither scaled nor normalized."""


def read_result(name: str) -> dict[str, Any]:
    """Return the content of a file in `benchmarks/results`."""
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def build_benchmarks_page() -> str:
    """Return the page on benchmarks."""
    return "\n\n".join(filter(None, _list_benchmark_sections())) + "\n"


def build_experiments_page() -> str:
    """Return the page on the seven experiments."""
    result = read_result("reproduction")
    rows = [_list_reproduction_cells(name, figures, result["seeds"]) for name, figures in _pair_experiments(result)]
    header = ("experiment", "measure", "job: median", "range", "script: median", "range", "same history, to the bit")
    introduction = EXPERIMENTS.format(note=format_generated_note("`benchmarks/results/reproduction.json`"))
    return "\n\n".join([introduction, format_table(header, rows), _format_machine(result)]) + "\n"


def format_number(value: float | None) -> str:
    """Return a number with three significant digits, large ones in full."""
    if value is None:
        return ""
    return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.3g}"  # noqa: PLR2004  # four digits need a comma


def _list_benchmark_sections() -> Iterator[str]:
    yield BENCHMARKS.format(note=format_generated_note("`benchmarks/results/*.json`"))
    yield from _build_experiments_section(read_result("experiments"))
    yield from _build_steps_section(read_result("steps"))
    if (RESULTS / "backends.json").exists():
        yield from _build_backends_section(read_result("backends"))
    yield from _build_sweep_section(read_result("sweep"))
    if (RESULTS / "sweeps.json").exists():
        yield from _build_sweeps_section(read_result("sweeps"))
    yield from _build_latency_section(read_result("latency"))
    yield from _build_lists_section(read_result("lists"))
    yield from _build_page_section(read_result("page"))
    yield from _build_memory_section(read_result("memory"))
    yield from _build_large_section(read_result("large"))
    yield from _build_fuzz_section(read_result("fuzz"))


def _build_experiments_section(result: dict[str, Any]) -> Iterator[str]:
    yield "## Jobs"
    yield (
        "Seconds from the POST to the end of the job, on a worker that has trained another job before. Ratios are "
        "those to the script on TensorFlow, Keras's default backend. The own script runs on the backend of the job, "
        "and its history is compared."
    )
    kinds = ("first", "restart", "repeat")
    rows = [
        (
            title,
            *(format_number(figures["seconds"][kind]) for kind in ("script", "own script", *kinds)),
            *(f"{format_number(figures[f'{kind}_times_faster'])} x" for kind in kinds),
            figures["same_history"],
        )
        for title, figures in _pair_experiments(result)
    ]
    titles = ("first job", "after a restart", "repeat")
    header = ("experiment", "script on TensorFlow", "own script", *titles, *(f"{title}, faster" for title in titles))
    yield format_table((*header, "same history"), rows, numbers=1)
    yield from _build_closing(result)


def _build_steps_section(result: dict[str, Any]) -> Iterator[str]:
    yield "## Training steps"
    yield "Milliseconds a step. The floor is the time of a step's operations and bytes at the machine's best rates."
    rows = [
        (
            title,
            *(format_number(figures["ms_a_step"][kind]) for kind in ("stock", "ours", "floor")),
            f"{format_number(figures['times_faster_than_stock'])} x",
            f"{format_number(figures['times_the_floor'])} x",
        )
        for title, figures in _pair_experiments(result)
    ]
    header = ("experiment", "stock", "Stackyard", "floor", "faster than stock", "times the floor")
    yield format_table(header, rows, numbers=1)
    yield from _build_closing(result)


def _build_backends_section(result: dict[str, Any]) -> Iterator[str]:
    yield "## Backends"
    yield (
        "Milliseconds an epoch in stock `fit` and in the engine, without tracing and compiling. "
        "The last column is the backend that `auto` selects on a CPU."
    )
    rows = [
        (
            title,
            *(
                format_number(figures["epoch_ms"][f"{way}_{backend}"])
                for way in ("fit", "engine")
                for backend in ("jax", "tensorflow")
            ),
            f"{format_number(figures['jax_times_faster'])} x",
            figures["auto"],
        )
        for title, figures in result["networks"].items()
    ]
    header = ("network", "`fit`, JAX", "`fit`, TensorFlow", "engine, JAX", "engine, TensorFlow", "JAX faster", "auto")
    yield format_table(header, rows, numbers=1)
    yield from _build_closing(result)


def _build_sweep_section(result: dict[str, Any]) -> Iterator[str]:
    titles = {
        "sweep": "Stackyard, two children of one thread",
        "sweep_1_workers": "Stackyard, one child of two threads",
        "scripts": "scripts, one after another",
        "scripts_two_at_a_time": "scripts, two at a time",
        "warm_fit": "stock `fit` in one warm process",
    }
    yield f"## A sweep of {result['jobs']} jobs"
    yield f"Of scripts and of stock `fit`, {result['measured_scripts_and_fits']} were measured and multiplied."
    rows = [
        (title, format_number(result["seconds"][name]), f"{format_number(result['times_the_sweep'][name])} x")
        for name, title in titles.items()
    ]
    yield format_table(("way", "seconds", "times the sweep"), rows, numbers=1)
    yield from _build_closing(result)


def _build_sweeps_section(result: dict[str, Any]) -> Iterator[str]:
    yield f"## A search of {result['trials']} trials"
    yield "Each search had the same time: that of Stackyard's sweep by the same method."
    rows = [
        (title, format_number(figures["trials_per_minute"]), format_number(figures["best"]))
        for title, figures in result["sides"].items()
    ]
    yield format_table(("search", "trials a minute", "best val_loss"), rows, numbers=1)
    yield from _build_closing(result)


def _build_latency_section(result: dict[str, Any]) -> Iterator[str]:
    yield "## Latencies"
    titles = {
        "post_to_running_ms": "POST to the start of the training, worker idle",
        "post_ms": "POST to its response",
    }
    measured = {title: result[name] for name, title in titles.items()}
    measured |= {f"history of 10,000 epochs as {form}": ms for form, ms in result["history_read_ms"].items()}
    rows = [
        (title, *(format_number(figures.get(kind)) for kind in ("median", "p95", "max")))
        for title, figures in measured.items()
    ]
    yield format_table(("milliseconds", "median", "95 %", "maximum"), rows, numbers=1)
    submits = result["submits_a_second"]
    rows = [
        ("submits a second, worker idle", format_number(submits["worker_idle"])),
        ("submits a second, worker busy", format_number(submits["worker_busy"])),
        ("resident memory of the API, MB", format_number(result["api_resident_MB"])),
    ]
    yield format_table(("figure", "value"), rows, numbers=1)
    yield from _build_closing(result)


def _build_lists_section(result: dict[str, Any]) -> Iterator[str]:
    yield "## Lists of jobs"
    yield f"Median milliseconds of a page of the list, with {result['jobs']:,} jobs."
    by_database: dict[str, dict[str, float]] = result["median_ms"]
    pages = next(iter(by_database.values()))
    rows = [(page, *(format_number(medians[page]) for medians in by_database.values())) for page in pages]
    yield format_table(("page", *by_database), rows, numbers=1)
    yield from _build_closing(result)


def _build_page_section(result: dict[str, Any]) -> Iterator[str]:
    yield "## The page in the browser"
    rows = [
        (view, format_number(kilobytes), format_number(result["first_view_ms"][view]))
        for view, kilobytes in result["kilobytes"].items()
    ]
    yield format_table(("page", "kB", "first view, ms"), rows, numbers=1)
    rows = [(chart, format_number(milliseconds)) for chart, milliseconds in result["draw_ms"].items()]
    yield format_table(("chart", "drawn, ms"), rows, numbers=1)
    yield from _build_closing(result)


def _build_memory_section(result: dict[str, Any]) -> Iterator[str]:
    yield "## Memory of a worker child"
    yield f"{result['jobs']:,} jobs of {result['architectures']} architectures, one after another."
    points = result["series"]
    shown = [point for point in points if point["jobs"] in {50, 100, 200, 500}] + [points[-1]]
    rows = [(f"{point['jobs']:,}", format_number(point["MB"])) for point in shown]
    yield format_table(("after jobs", "MB"), rows, numbers=0)
    yield from _build_closing(result)


def _build_large_section(result: dict[str, Any]) -> Iterator[str]:
    yield "## Rows beyond memory"
    yield f"{result['rows']:,} images, {format_number(result['files']['prepared_MB'])} MB when prepared."
    rows = [
        (
            title,
            format_number(result[place]["prepare_s"]),
            format_number(result[place]["epoch_s"]),
            format_number(result[place]["peak_MB"]["VmRSS"]),
        )
        for place, title in (("files", "from files"), ("memory", "from memory"))
    ]
    yield format_table(("rows", "prepare, s", "epoch, s", "peak memory, MB"), rows, numbers=1)
    yield f"Same losses: {'yes' if result['same_losses'] else 'no'}."
    yield _format_machine(result)


def _build_fuzz_section(result: dict[str, Any]) -> Iterator[str]:
    yield "## Broken specs"
    yield "`make fuzz` changes good specs at random, and sends them through the parser and the check."
    outcomes = {
        "specs": "mutations",
        "refused by the parser": "refused_by_the_parser",
        "refused by the check": "refused_by_the_check",
        "accepted": "accepted",
        "faults of the server": "faults",
    }
    yield format_table(
        ("outcome", "count"), [(title, f"{result[name]:,}") for title, name in outcomes.items()], numbers=1
    )
    kinds = {"parse": "parse_ms", "parse and check": "parse_and_check_ms"}
    rows = [
        (title, *(format_number(result[name][kind]) for kind in ("p50", "p95", "p99", "max")))
        for title, name in kinds.items()
    ]
    yield format_table(("milliseconds", "median", "95 %", "99 %", "maximum"), rows, numbers=1)
    yield _format_machine(result)


def _pair_experiments(result: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    """Return the title and the figures of each experiment."""
    return [(_EXPERIMENTS.get(name, name), figures) for name, figures in result["experiments"].items()]


def _list_reproduction_cells(title: str, figures: dict[str, Any], seeds: int) -> tuple[str, ...]:
    same = f"{figures['histories_with_the_same_bits']} of {seeds}"
    if "ours" not in figures:
        return title, "state", ", ".join(figures["states"]), "", "", "", same
    cells = [
        (f"{side['median']:.4g}", f"{side['min']:.4g} to {side['max']:.4g}")
        for side in (figures["ours"], figures["stock"])
    ]
    return title, figures["measure"], *cells[0], *cells[1], same


def _build_closing(result: dict[str, Any]) -> Iterator[str]:
    """Yield the targets of a benchmark and the machine that it ran on."""
    rows = [
        (
            target["what"],
            _format_bound(target),
            f"{format_number(target['reached'])} {target.get('unit', '')}",
            "yes" if target["met"] else "no",
        )
        for target in result.get("targets", ())
    ]
    if rows:
        yield format_table(("target", "bound", "measured", "met"), rows)
    yield _format_machine(result)


def _format_bound(target: dict[str, Any]) -> str:
    words, key = ("at least", "at_least") if "at_least" in target else ("at most", "at_most")
    return f"{words} {format_number(target[key])} {target.get('unit', '')}"


def _format_machine(result: dict[str, Any]) -> str:
    machine = result["machine"]
    facts = [f"{machine['cores']} cores", machine.get("processor", "")]
    facts += [f"{machine['memory_GiB']} GiB of memory"] if "memory_GiB" in machine else []
    facts += [f"{title} {machine[name]}" for name, title in _RELEASES.items() if name in machine]
    return f"Machine: {', '.join(filter(None, facts))}."


_RELEASES = {"python": "Python", "tensorflow": "TensorFlow", "jax": "JAX", "keras": "Keras", "sqlite": "SQLite"}
