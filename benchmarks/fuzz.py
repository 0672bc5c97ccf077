"""Fuzz the parser and the check with randomly mutated specs; count faults and measure times.

The only allowed exception is SpecError, and no document may take more than a bound of processor time. An audit hook
verifies that parsing and checking open, start, import and compile nothing. The exit status says whether there were no
faults.
"""

import argparse
import json
import multiprocessing
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from descriptions import build_description
from machine import describe_machine

from stackyard.spec import (
    ColumnDescription,
    DatasetDescription,
    JobSpec,
    SpecError,
    TableDescription,
    check_spec,
    parse_spec,
)
from tests.spec.mutation import Mutator
from tests.spec.sampling import Sampler

HERE = Path(__file__).parent
SEEDS = (*sorted((HERE / "specs").glob("*.json")), *sorted((HERE.parent / "examples").glob("*.json")))
"""The seven experiments, and the examples."""
SAMPLES = 300
"""The number of documents drawn from the schema of specs; together they cover all of it."""
ROUNDS = 20
TIMES = 5
CHUNK = 10_000
MAX_SHOWN = 5
MAX_CPU_S = 4.0
"""The bound on parsing and checking one document."""
WIDE_COLUMNS = 2_000
"""The columns of the widest dataset. A check that compares two lists with each other takes seconds on it."""
HEAVY_MODULES = {"tensorflow", "keras", "numpy", "pandas", "sklearn"}
"""The modules that neither the parser nor the check may import."""
HARMLESS_EVENTS = {"builtins.id"}
"""Audit events that open nothing."""

_DENSE_LAYER: dict[str, Any] = {"type": "Dense", "units": 3}
_VALID_SPEC: dict[str, Any] = {
    "data": {"dataset": "builtin:iris", "target": {"column": "target"}},
    "network": {"layers": [_DENSE_LAYER]},
    "training": {"loss": "sparse_categorical_crossentropy"},
}
COSTLY_SPECS: dict[str, dict[str, Any]] = {
    "100,000 layers": _VALID_SPEC | {"network": {"layers": ["ReLU"] * 100_000}},
    "100,000 layers, 2 MB": _VALID_SPEC | {"network": {"layers": [_DENSE_LAYER] * 100_000}},
    "Dense(10**9)": _VALID_SPEC | {"network": {"layers": [{"type": "Dense", "units": 10**9}, _DENSE_LAYER]}},
    "epochs 10**9": _VALID_SPEC | {"training": {"loss": "sparse_categorical_crossentropy", "epochs": 10**9}},
}


@dataclass
class Tally:
    """The counts and times of some mutations; times are processor milliseconds.

    `refused` counts documents that the parser refused, `rejected` counts specs that the check rejected.
    """

    parse_ms: list[float] = field(default_factory=list)
    both_ms: list[float] = field(default_factory=list)
    refused: int = 0
    rejected: int = 0
    accepted: int = 0
    faults: list[str] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")

    def merge(self, other: "Tally") -> None:
        """Add the counts and times of `other`."""
        self.parse_ms.extend(other.parse_ms)
        self.both_ms.extend(other.both_ms)
        self.refused += other.refused
        self.rejected += other.rejected
        self.accepted += other.accepted
        self.faults.extend(other.faults)
        self.slowest = max(self.slowest, other.slowest)


class AuditRecorder:
    """Records audit events. One instance per process, because an audit hook cannot be removed."""

    def __init__(self) -> None:
        self._events: list[str] | None = None
        sys.addaudithook(self._record_event)

    @contextmanager
    def record_events(self) -> Iterator[list[str]]:
        """Record the events of the block in a list."""
        events = self._events = []
        try:
            yield events
        finally:
            self._events = None

    def _record_event(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._events is not None and event not in HARMLESS_EVENTS:
            self._events.append(f"{event} {arguments!r}"[:200])


def main() -> None:
    """Run all mutations, print the figures, and write them to `benchmarks/results`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutations", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results" / "fuzz.json")
    arguments = parser.parse_args()
    begin = time.perf_counter()
    tally = run_mutations(arguments.mutations, arguments.seed, arguments.processes)
    figures = summarize(tally) | {
        "good_specs_parse_and_check_ms": _compute_percentiles(time_valid_specs()),
        "costly_specs_refused_in_ms": time_costly_specs(),
        "seed": arguments.seed,
        "seconds": round(time.perf_counter() - begin, 1),
        "machine": describe_machine(),
    }
    for name, figure in figures.items():
        print(f"{name:32} {figure}")
    arguments.results.parent.mkdir(exist_ok=True)
    arguments.results.write_text(json.dumps(figures, indent=2) + "\n")
    raise SystemExit(bool(tally.faults))


def run_mutations(mutations: int, seed: int, processes: int) -> Tally:
    """Try this many mutations, which depend only on `seed`."""
    build_documents()  # fail here: an error in a worker process would be hard to read
    tally = Tally()
    chunks = [(seed, first, min(first + CHUNK, mutations)) for first in range(0, mutations, CHUNK)]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for done, chunk in enumerate(pool.imap_unordered(try_chunk, chunks), start=1):
            tally.merge(chunk)
            if done % 10 == 0:
                print(f"{len(tally.parse_ms):9} mutations, {len(tally.faults)} faults", flush=True)
    return tally


def summarize(tally: Tally) -> dict[str, Any]:
    """Return the figures of a run: counts, and times of the parser alone and with the check."""
    slowest_ms, slowest = tally.slowest
    return {
        "mutations": len(tally.parse_ms),
        "refused_by_the_parser": tally.refused,
        "refused_by_the_check": tally.rejected,
        "accepted": tally.accepted,
        "faults": len(tally.faults),
        "first_faults": tally.faults[:MAX_SHOWN],
        "parse_ms": _compute_percentiles(tally.parse_ms),
        "parse_and_check_ms": _compute_percentiles(tally.both_ms),
        "slowest": {"ms": round(slowest_ms, 1), "mutation": slowest},
    }


def try_chunk(chunk: tuple[int, int, int]) -> Tally:
    """Try the mutations of a range of numbers."""
    seed, first, end = chunk
    tally = Tally()
    bases = build_documents()
    for number in range(first, end):
        name = f"{seed}/{number}"
        random = Random(name)  # noqa: S311  # to be repeated, not to be secret
        text, description = random.choice(bases)
        try_one(name, Mutator(random).mutate(text), description, tally)
    tally.faults.extend(f"loaded {name}" for name in sorted(HEAVY_MODULES & sys.modules.keys()))
    return tally


def time_valid_specs() -> list[float]:
    """Return the milliseconds for each valid spec, measured many times."""
    tally = Tally()
    for text, description in load_valid_specs() * ROUNDS:
        try_one("valid", text, description, tally)
    return tally.both_ms


def time_costly_specs() -> dict[str, float]:
    """Return the milliseconds, the best of a few, to refuse specs that would cost hours or gigabytes."""
    iris = build_description(COSTLY_SPECS["epochs 10**9"])
    return {name: min(_time_refusal(document, iris) for _ in range(TIMES)) for name, document in COSTLY_SPECS.items()}


def _time_refusal(document: dict[str, Any], description: DatasetDescription) -> float:
    tally = Tally()
    try_one("costly", json.dumps(document).encode(), description, tally)
    if tally.accepted or tally.faults:
        raise ValueError("expected a refusal", tally)
    return round(tally.slowest[0], 1)


def try_one(name: str, text: bytes, description: DatasetDescription, tally: Tally) -> None:
    """Parse a document and, where that succeeds, check it."""
    spec: JobSpec | None = None
    with get_audit_recorder().record_events() as events:
        begin = parsed = time.thread_time()
        try:
            spec = parse_spec(text)
            parsed = time.thread_time()
            check_spec(spec, description)
            tally.accepted += 1
        except SpecError:
            tally.refused += spec is None
            tally.rejected += spec is not None
        except Exception:  # noqa: BLE001  # the faults that the run looks for
            tally.faults.append(f"{name}: {traceback.format_exc(limit=-3)}\n{text[:2000]!r}")
        ended = time.thread_time()
    tally.faults.extend(f"{name}: {event}" for event in events)
    if ended - begin > MAX_CPU_S:
        tally.faults.append(f"{name}: {ended - begin:.1f} s of processor time")
    tally.parse_ms.append(1000 * ((ended if spec is None else parsed) - begin))
    if spec is not None:
        tally.both_ms.append(1000 * (ended - begin))
    tally.slowest = max(tally.slowest, (1000 * (ended - begin), name))


@cache
def get_audit_recorder() -> AuditRecorder:
    """Return the recorder of this process."""
    return AuditRecorder()


@cache
def build_documents() -> list[tuple[bytes, DatasetDescription]]:
    """Return the documents to mutate: valid specs and as many samples, with their dataset descriptions."""
    iris = build_description({"data": {"dataset": "builtin:iris"}})
    sampler = Sampler(JobSpec.model_json_schema(), Random(0))  # noqa: S311  # to be repeated, not to be secret
    samples = [(json.dumps(sampler.draw_document()).encode(), iris) for _ in range(SAMPLES)]
    return [*samples, *load_valid_specs() * (SAMPLES // len(SEEDS)), build_wide_document()]


def build_wide_document() -> tuple[bytes, DatasetDescription]:
    """Return a spec that names many columns of a wide table, and almost all of them wrongly."""
    columns = [
        ColumnDescription(name=f"column_{index:04}", type="float", missing=0, minimum=0, maximum=1)
        for index in range(WIDE_COLUMNS)
    ]
    names = [f"colunm_{index:04}" for index in range(WIDE_COLUMNS)]
    data = {"dataset": "wide", "target": {"column": "column_0000"}, "features": [{"columns": names}]}
    return json.dumps(_VALID_SPEC | {"data": data}).encode(), TableDescription(rows=1000, columns=columns)


def load_valid_specs() -> list[tuple[bytes, DatasetDescription]]:
    """Return the valid specs with their dataset descriptions, after a check that they are valid."""
    pairs = [(path.read_bytes(), build_description(json.loads(path.read_bytes()))) for path in SEEDS]
    for text, description in pairs:
        check_spec(parse_spec(text), description)
    return pairs


def _compute_percentiles(times: list[float]) -> dict[str, float]:
    ordered = sorted(times) or [0.0]
    return {f"p{share}": round(ordered[int(len(ordered) * share / 100)], 3) for share in (50, 95, 99)} | {
        "max": round(ordered[-1], 1)
    }


if __name__ == "__main__":
    main()
