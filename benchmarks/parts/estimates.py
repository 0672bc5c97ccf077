"""The memory by which thirty trainings let a fresh process grow, compared with the estimates of the check.

Small differences do not count: up to `TOLERATED_BYTES`, an estimate is within a factor of two whatever the ratio.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from networks import SUBJECTS
from options import Options, print_progress
from outcome import Outcome, Target
from pairs import round_significant

SCRIPT = Path(__file__).parents[1] / "growth.py"
SHORT = ("Dense 64 x 2", "Dense 4096 x 2", "GRU 128, 500 steps")
MEGABYTE = 2**20
TOLERATED_BYTES = 20 * MEGABYTE
MAX_FACTOR = 2.0


def measure(options: Options) -> Outcome:
    """Train each network in a process of its own."""
    figures: dict[str, dict[str, Any]] = {}
    for subject in SUBJECTS:
        if options.short and subject.name not in SHORT:
            continue
        figures[subject.name] = _measure_network(subject.name)
        print_progress(f"{subject.name}: {_format_figures(figures[subject.name])}")
    return _build_outcome(figures)


def _measure_network(name: str) -> dict[str, Any]:
    environment = os.environ | {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    process = subprocess.run(
        [sys.executable, SCRIPT, name], env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    measured = json.loads(process.stdout.splitlines()[-1])
    growth, estimate = measured["growth"], measured["estimate"]
    return {
        "growth_MiB": round(growth / MEGABYTE, 1),
        "estimate_MiB": round(estimate / MEGABYTE, 1),
        "estimate_a_growth": round_significant(estimate / growth),
        "factor": round_significant(compute_factor(growth, estimate)),
        "parts_MiB": {part: round(size / MEGABYTE, 1) for part, size in measured["memory"].items()},
    }


def compute_factor(growth: float, estimate: float) -> float:
    """Return by how much the estimate is wrong, at least 1; a small difference is none."""
    return 1.0 if abs(growth - estimate) <= TOLERATED_BYTES else max(growth / estimate, estimate / growth)


def _format_figures(figures: dict[str, Any]) -> str:
    return f"{figures['growth_MiB']:,.0f} MiB, estimated {figures['estimate_MiB']:,.0f} MiB"


def _build_outcome(figures: dict[str, dict[str, Any]]) -> Outcome:
    rows = [
        (name, row["growth_MiB"], row["estimate_MiB"], row["estimate_a_growth"], row["factor"])
        for name, row in figures.items()
    ]
    worst = max(row["factor"] for row in figures.values())
    return Outcome(
        "Estimates: the memory of trainings in fresh processes, and the check's estimates of it",
        ("", "grown MiB", "estimated MiB", "estimated / grown", "factor"),
        rows,
        {"networks": figures},
        [Target("largest factor between estimate and growth", worst, MAX_FACTOR, "x", at_most=True)],
        (
            (
                "The growth is the peak of the resident memory over a job, less the resident memory before it: the "
                "process has loaded TensorFlow and the rows. The job trains two epochs, evaluates and saves."
            ),
            f"A difference of at most {TOLERATED_BYTES // MEGABYTE} MiB counts as a factor of 1.",
        ),
    )
