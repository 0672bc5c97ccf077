"""The seven experiments of the tutorials, over several seeds: our jobs beside their own scripts of stock Keras.

It needs the data of the experiments, and skips with a word where they are not there:

    python benchmarks/reproduction.py ../shared
"""

import json
import math
import statistics
import sys
from pathlib import Path
from typing import Any

import scripts
from histories import Columns, columns, same_bits
from installation import installed
from outcome import keep
from tutorials import FILES, SPECS

from stackyard.client import Client, Job

SEEDS = 5


def main() -> None:
    """Run them all, print a table, and keep the figures in `benchmarks/results`."""
    shared = Path(sys.argv[1] if len(sys.argv) > 1 else "../shared")
    if not (shared / "data").is_dir():
        print(f"skipped: there is no {shared}/data, where the experiments' data would be")
        return
    figures: dict[str, Any] = {"seeds": SEEDS, "experiments": {}}
    with installed() as server, Client(server.url, timeout=600) as client:
        for name, file in FILES.items():
            if file is not None:
                client.upload(shared / "data" / file, name=Path(file).stem)
            runs = [_run(client, shared, name, file, seed) for seed in range(SEEDS)]
            figures["experiments"][name] = told = _figures(name, runs)
            print(f"{name:20} {json.dumps(told)}", flush=True)
    keep("reproduction", figures)


def _run(client: Client, shared: Path, name: str, file: str | None, seed: int) -> dict[str, Any]:
    """One job beside its script; the script trains in a process of its own, at the same time."""
    spec = json.loads((SPECS / f"{name}.json").read_text())
    spec["training"]["seed"] = seed
    job = client.submit(spec)
    ran = scripts.run(client.script(job.id), None if file is None else shared / "data" / file)
    stock = columns(ran.history)
    job = client.wait(job.id)
    ours = columns(client.history_csv(job.id))
    return {
        "ours": _score(name, ours, job.evaluation.metrics if job.evaluation else {}),
        "stock": _score(name, stock, _printed(ran.printed)),
        "same_bits": same_bits(ours, stock),
        "state": job.state,
        "diverged_at": _where(job),
    }


def _figures(name: str, runs: list[dict[str, Any]]) -> dict[str, Any]:
    told: dict[str, Any] = {"measure": _measure(name)}
    for side in ("ours", "stock"):
        scores = [run[side] for run in runs if run[side] is not None]
        if scores:
            numbers = {"median": statistics.median(scores), "min": min(scores), "max": max(scores)}
            told[side] = {label: round(number, 5) for label, number in numbers.items()}
    told["states"] = sorted({run["state"] for run in runs})
    told["diverged_at"] = [run["diverged_at"] for run in runs if run["diverged_at"]]
    told["histories_with_the_same_bits"] = sum(run["same_bits"] for run in runs)
    return told


def _measure(name: str) -> str:
    if name in ("iris-batchnorm", "mnist-plain", "mnist-dropout"):
        return "test accuracy"
    return "val_loss at the end" if name == "red-wine" else "lowest val_loss"


def _score(name: str, history: Columns, evaluation: dict[str, Any]) -> float | None:
    match _measure(name):
        case "test accuracy":
            return evaluation["accuracy"]
        case "val_loss at the end":
            return history["val_loss"][-1]
        case _:
            return min((value for value in history["val_loss"] if math.isfinite(value)), default=None)


def _printed(output: str) -> dict[str, Any]:
    """The evaluation that a script prints last, as Python writes a dictionary."""
    lines = [line for line in output.splitlines() if line.startswith("{")]
    return json.loads(lines[-1].replace("'", '"')) if lines else {}


def _where(job: Job) -> str | None:
    return job.reason.message if job.state == "diverged" and job.reason else None


if __name__ == "__main__":
    main()
