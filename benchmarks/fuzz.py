"""Specs made worse at random, through the parser and the check: what breaks, what is opened, how long it takes.

Nothing but a SpecError may come of any of them, and while one is read nothing may be opened, started, imported or
compiled: an audit hook listens. The exit status says whether that held.
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

from descriptions import describe
from machine import machine

from stackyard.spec import DatasetDescription, JobSpec, SpecError, check, parse
from tests.spec.mutation import Mutator
from tests.spec.sampling import Sampler

HERE = Path(__file__).parent
SEEDS = (*sorted((HERE / "specs").glob("*.json")), *sorted((HERE.parent / "examples").glob("*.json")))
"""The seven experiments, and the examples."""
SAMPLES = 300
"""Documents drawn from the language's schema, which have every part of it between them."""
ROUNDS = 20
CHUNK = 10_000
SHOWN = 5
HEAVY = {"tensorflow", "keras", "numpy", "pandas", "sklearn"}
"""What no parser and no check needs."""
HARMLESS = {"builtins.id"}
"""Audit events that open nothing."""

_DENSE: dict[str, Any] = {"type": "Dense", "units": 3}
_PLAIN: dict[str, Any] = {
    "data": {"dataset": "builtin:iris", "target": {"column": "target"}},
    "network": {"layers": [_DENSE]},
    "training": {"loss": "sparse_categorical_crossentropy"},
}
COSTLY: dict[str, dict[str, Any]] = {
    "100,000 layers": _PLAIN | {"network": {"layers": ["ReLU"] * 100_000}},
    "100,000 layers, 2 MB": _PLAIN | {"network": {"layers": [_DENSE] * 100_000}},
    "Dense(10**9)": _PLAIN | {"network": {"layers": [{"type": "Dense", "units": 10**9}, _DENSE]}},
    "epochs 10**9": _PLAIN | {"training": {"loss": "sparse_categorical_crossentropy", "epochs": 10**9}},
}


@dataclass
class Tally:
    """What came of some mutations; times in milliseconds of one processor.

    The parser refuses a document, the check rejects a spec.
    """

    parse_ms: list[float] = field(default_factory=list)
    both_ms: list[float] = field(default_factory=list)
    refused: int = 0
    rejected: int = 0
    accepted: int = 0
    faults: list[str] = field(default_factory=list)
    slowest: tuple[float, str] = (0.0, "")

    def add(self, other: "Tally") -> None:
        """Count `other` in."""
        self.parse_ms.extend(other.parse_ms)
        self.both_ms.extend(other.both_ms)
        self.refused += other.refused
        self.rejected += other.rejected
        self.accepted += other.accepted
        self.faults.extend(other.faults)
        self.slowest = max(self.slowest, other.slowest)


class Watch:
    """Notes each audit event of a while. A hook cannot be removed, so that it is added once a process."""

    def __init__(self) -> None:
        self._events: list[str] | None = None
        sys.addaudithook(self._hear)

    @contextmanager
    def listen(self) -> Iterator[list[str]]:
        """Give the list that the events of this block go to."""
        events = self._events = []
        try:
            yield events
        finally:
            self._events = None

    def _hear(self, event: str, arguments: tuple[Any, ...]) -> None:
        if self._events is not None and event not in HARMLESS:
            self._events.append(f"{event} {arguments!r}"[:200])


def main() -> None:
    """Run, print the figures, and keep them in `benchmarks/results`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mutations", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--results", type=Path, default=Path(__file__).parent / "results" / "fuzz.json")
    arguments = parser.parse_args()
    begin = time.perf_counter()
    tally = run(arguments.mutations, arguments.seed, arguments.processes)
    figures = summary(tally) | {
        "good_specs_parse_and_check_ms": _percentiles(time_good()),
        "costly_specs_refused_in_ms": time_costly(),
        "seed": arguments.seed,
        "seconds": round(time.perf_counter() - begin, 1),
        "machine": machine(),
    }
    for name, figure in figures.items():
        print(f"{name:32} {figure}")
    arguments.results.parent.mkdir(exist_ok=True)
    arguments.results.write_text(json.dumps(figures, indent=2) + "\n")
    raise SystemExit(bool(tally.faults))


def run(mutations: int, seed: int, processes: int) -> Tally:
    """Try that many mutations; which ones they are follows from `seed` alone."""
    documents()  # here first: an error in another process cannot be told
    tally = Tally()
    chunks = [(seed, first, min(first + CHUNK, mutations)) for first in range(0, mutations, CHUNK)]
    with multiprocessing.get_context("spawn").Pool(processes) as pool:
        for done, chunk in enumerate(pool.imap_unordered(try_some, chunks), start=1):
            tally.add(chunk)
            if done % 10 == 0:
                print(f"{len(tally.parse_ms):9} mutations, {len(tally.faults)} faults", flush=True)
    return tally


def summary(tally: Tally) -> dict[str, Any]:
    """The figures of a run: counts, and times of the parser alone and with the check."""
    slowest_ms, slowest = tally.slowest
    return {
        "mutations": len(tally.parse_ms),
        "refused_by_the_parser": tally.refused,
        "refused_by_the_check": tally.rejected,
        "accepted": tally.accepted,
        "faults": len(tally.faults),
        "first_faults": tally.faults[:SHOWN],
        "parse_ms": _percentiles(tally.parse_ms),
        "parse_and_check_ms": _percentiles(tally.both_ms),
        "slowest": {"ms": round(slowest_ms, 1), "mutation": slowest},
    }


def try_some(chunk: tuple[int, int, int]) -> Tally:
    """Try the mutations of these numbers."""
    seed, first, end = chunk
    tally = Tally()
    bases = documents()
    for number in range(first, end):
        name = f"{seed}/{number}"
        random = Random(name)  # noqa: S311  # to be repeated, not to be secret
        text, description = random.choice(bases)
        try_one(name, Mutator(random).mutate(text), description, tally)
    tally.faults.extend(f"loaded {name}" for name in sorted(HEAVY & sys.modules.keys()))
    return tally


def time_good() -> list[float]:
    """Milliseconds for each of the specs that are right, many times over."""
    tally = Tally()
    for text, description in good() * ROUNDS:
        try_one("good", text, description, tally)
    return tally.both_ms


def time_costly() -> dict[str, float]:
    """Milliseconds, the best of a few, to refuse what would cost hours or gigabytes."""
    iris = describe(COSTLY["epochs 10**9"])
    return {name: min(_refuse(document, iris) for _ in range(SHOWN)) for name, document in COSTLY.items()}


def _refuse(document: dict[str, Any], description: DatasetDescription) -> float:
    tally = Tally()
    try_one("costly", json.dumps(document).encode(), description, tally)
    if tally.accepted or tally.faults:
        raise ValueError("expected a refusal", tally)
    return round(tally.slowest[0], 1)


def try_one(name: str, text: bytes, description: DatasetDescription, tally: Tally) -> None:
    """Parse a document and, where that succeeds, check it."""
    spec: JobSpec | None = None
    with the_watch().listen() as events:
        begin = parsed = time.thread_time()
        try:
            spec = parse(text)
            parsed = time.thread_time()
            check(spec, description)
            tally.accepted += 1
        except SpecError:
            tally.refused += spec is None
            tally.rejected += spec is not None
        except Exception:  # noqa: BLE001  # what the run looks for
            tally.faults.append(f"{name}: {traceback.format_exc(limit=-3)}\n{text[:2000]!r}")
        ended = time.thread_time()
    tally.faults.extend(f"{name}: {event}" for event in events)
    tally.parse_ms.append(1000 * ((ended if spec is None else parsed) - begin))
    if spec is not None:
        tally.both_ms.append(1000 * (ended - begin))
    tally.slowest = max(tally.slowest, (1000 * (ended - begin), name))


@cache
def the_watch() -> Watch:
    """The one of this process."""
    return Watch()


@cache
def documents() -> list[tuple[bytes, DatasetDescription]]:
    """What is mutated: good specs and as many samples, each with the description that it is checked against."""
    iris = describe({"data": {"dataset": "builtin:iris"}})
    sampler = Sampler(JobSpec.model_json_schema(), Random(0))  # noqa: S311  # to be repeated, not to be secret
    samples = [(json.dumps(sampler.document()).encode(), iris) for _ in range(SAMPLES)]
    return samples + good() * (SAMPLES // len(SEEDS))


def good() -> list[tuple[bytes, DatasetDescription]]:
    """The specs that are right; each is looked at to be so."""
    pairs = [(path.read_bytes(), describe(json.loads(path.read_bytes()))) for path in SEEDS]
    for text, description in pairs:
        check(parse(text), description)
    return pairs


def _percentiles(times: list[float]) -> dict[str, float]:
    ordered = sorted(times) or [0.0]
    return {f"p{share}": round(ordered[int(len(ordered) * share / 100)], 3) for share in (50, 95, 99)} | {
        "max": round(ordered[-1], 1)
    }


if __name__ == "__main__":
    main()
