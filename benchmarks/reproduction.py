"""Run the seven experiments with several seeds, and compare each job with its script of stock Keras.

The data of the experiments are required; without them the script prints a message and ends:

    python benchmarks/reproduction.py ../shared
"""

import json
import math
import statistics
import sys
from pathlib import Path
from typing import Any

import scripts
from histories import Columns, have_same_bits, parse_columns
from installation import start_installation
from outcome import write_figures
from tutorials import FILES, SPECS

from stackyard.client import Client, Job

SEEDS = 5


def main() -> None:
    """Run all experiments, print a table, and write the figures to `benchmarks/results`."""
    shared = Path(sys.argv[1] if len(sys.argv) > 1 else "../shared")
    if not (shared / "data").is_dir():
        print(f"skipped: {shared}/data, the directory of the experiments' data, does not exist")
        return
    figures: dict[str, Any] = {"seeds": SEEDS, "experiments": {}}
    with start_installation() as server, Client(server.url, timeout=600) as client:
        for name, file in FILES.items():
            if file is not None:
                client.upload(shared / "data" / file, name=Path(file).stem)
            runs = [_run_job(client, shared, name, file, seed) for seed in range(SEEDS)]
            figures["experiments"][name] = summary = _summarize_runs(name, runs)
            print(f"{name:20} {json.dumps(summary)}", flush=True)
    write_figures("reproduction", figures)


def _run_job(client: Client, shared: Path, name: str, file: str | None, seed: int) -> dict[str, Any]:
    """Run a job and its script, which trains in its own process at the same time; return scores of both."""
    spec = json.loads((SPECS / f"{name}.json").read_text())
    spec["training"]["seed"] = seed
    job = client.submit(spec)
    result = scripts.run_script(client.script(job.id), None if file is None else shared / "data" / file)
    stock = parse_columns(result.history)
    job = client.wait(job.id)
    ours = parse_columns(client.history_csv(job.id))
    return {
        "ours": _compute_score(name, ours, job.evaluation.metrics if job.evaluation else {}),
        "stock": _compute_score(name, stock, _parse_evaluation(result.output)),
        "same_bits": have_same_bits(ours, stock),
        "state": job.state,
        "diverged_at": _describe_divergence(job),
    }


def _summarize_runs(name: str, runs: list[dict[str, Any]]) -> dict[str, Any]:
    summary: dict[str, Any] = {"measure": _name_measure(name)}
    for side in ("ours", "stock"):
        scores = [run[side] for run in runs if run[side] is not None]
        if scores:
            numbers = {"median": statistics.median(scores), "min": min(scores), "max": max(scores)}
            summary[side] = {label: round(number, 5) for label, number in numbers.items()}
    summary["states"] = sorted({run["state"] for run in runs})
    summary["diverged_at"] = [run["diverged_at"] for run in runs if run["diverged_at"]]
    summary["histories_with_the_same_bits"] = sum(run["same_bits"] for run in runs)
    return summary


def _name_measure(name: str) -> str:
    if name in ("iris-batchnorm", "mnist-plain", "mnist-dropout"):
        return "test accuracy"
    return "val_loss at the end" if name == "red-wine" else "lowest val_loss"


def _compute_score(name: str, history: Columns, evaluation: dict[str, Any]) -> float | None:
    match _name_measure(name):
        case "test accuracy":
            return evaluation["accuracy"]
        case "val_loss at the end":
            return history["val_loss"][-1]
        case _:
            return min((value for value in history["val_loss"] if math.isfinite(value)), default=None)


def _parse_evaluation(output: str) -> dict[str, Any]:
    """Parse the evaluation that a script prints last, as a Python dictionary."""
    lines = [line for line in output.splitlines() if line.startswith("{")]
    return json.loads(lines[-1].replace("'", '"')) if lines else {}


def _describe_divergence(job: Job) -> str | None:
    return job.reason.message if job.state == "diverged" and job.reason else None


if __name__ == "__main__":
    main()
