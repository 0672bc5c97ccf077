"""The seven experiments of the tutorials, over several seeds: our jobs beside their own scripts of stock Keras.

It needs the specs and the data of the experiments, and skips with a word where they are not there:

    python benchmarks/reproduction.py ../shared
"""

import csv
import io
import json
import math
import os
import statistics
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from installation import installed, keep, machine

from stackyard.client import Client, Job

SEEDS = 5
FILES = {
    "red-wine": "red-wine.csv",
    "concrete-plain": "concrete.csv",
    "concrete-batchnorm": "concrete.csv",
    "spotify": "spotify.csv",
    "mnist-plain": "mnist.npz",
    "mnist-dropout": "mnist.npz",
    "iris-batchnorm": None,
}
Columns = dict[str, list[float]]


def main() -> None:
    """Run them all, print a table, and keep the figures in `benchmarks/results`."""
    shared = Path(sys.argv[1] if len(sys.argv) > 1 else "../shared")
    if not (shared / "data").is_dir():
        print(f"skipped: there is no {shared}/data, where the experiments' data would be")
        return
    figures: dict[str, Any] = {"seeds": SEEDS, "experiments": {}, "machine": machine()}
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
    spec = json.loads((shared / "specs" / f"{name}.json").read_text())
    spec["training"]["seed"] = seed
    job = client.submit(spec)
    with TemporaryDirectory() as directory:
        script = Path(directory) / "train.py"
        script.write_text(client.script(job.id))
        data = [] if file is None else [str((shared / "data" / file).resolve())]
        environment = os.environ | {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
        done = subprocess.run(
            [sys.executable, script, *data], cwd=directory, env=environment, capture_output=True, text=True, check=True
        )
        stock = _columns((Path(directory) / "history.csv").read_text())
    job = client.wait(job.id)
    ours = _columns(client.history_csv(job.id))
    return {
        "ours": _score(name, ours, job.evaluation.metrics if job.evaluation else {}),
        "stock": _score(name, stock, _printed(done.stdout)),
        "same_bits": _same(ours, stock),
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


def _columns(text: str) -> Columns:
    rows = list(csv.DictReader(io.StringIO(text)))
    return {name: [float(row[name]) for row in rows] for name in rows[0]}


def _same(ours: Columns, stock: Columns) -> bool:
    def told(columns: Columns) -> dict[str, list[str]]:
        return {name: [value.hex() for value in column] for name, column in columns.items()}

    return told(ours) == told(stock)


if __name__ == "__main__":
    main()
