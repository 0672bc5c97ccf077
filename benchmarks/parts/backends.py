"""Stock `fit` of networks of each kind of layer, in turn on both backends, each in a fresh process."""

import json
import os
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

from layer_networks import NETWORKS, LayerNetwork
from options import Options, print_progress
from outcome import Outcome, Target, format_number
from pairs import Rounds, round_significant

from stackyard.spec import choose_backend, parse_spec

BACKENDS = ("jax", "tensorflow")
ROUNDS, EPOCHS = 3, 4
SHORT = ("Dense", "LSTM", "Conv2D")
"""The kinds of layers of a trial, which takes only the small network of each."""
MAX_LOSS = 1.1
"""The allowed ratio of an epoch on the backend that `auto` selects to one on the other backend."""
_SCRIPT = Path(__file__).parents[1] / "backend_fit.py"


def measure(options: Options) -> Outcome:
    """Measure every network in turn on both backends."""
    later, first = {}, {}
    for index, subject in enumerate(NETWORKS):
        if options.short and (subject.kind not in SHORT or subject.size != "small"):
            continue
        name = f"{subject.kind}, {subject.size}"
        later[name], first[name] = Rounds(), Rounds()
        for _ in range(options.choose_repetitions(ROUNDS)):
            epochs = {backend: _train_network(index, backend) for backend in BACKENDS}
            later[name].add_round({backend: 1000 * median(seconds[1:]) for backend, seconds in epochs.items()})
            first[name].add_round({backend: seconds[0] for backend, seconds in epochs.items()})
            message = ", ".join(f"{backend} {format_number(ms)} ms" for backend, ms in later[name].rounds[-1].items())
            print_progress(f"{name}: {message} an epoch")
    chosen = {f"{subject.kind}, {subject.size}": _find_auto(subject) for subject in NETWORKS}
    return _build_outcome(later, first, {name: chosen[name] for name in later})


def _train_network(index: int, backend: str) -> list[float]:
    """Return the seconds of each epoch."""
    variables = {"KERAS_BACKEND": backend, "CUDA_VISIBLE_DEVICES": "-1", "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, str(_SCRIPT), str(index), str(EPOCHS)]
    environment = os.environ | variables | {"TF_CPP_MIN_LOG_LEVEL": "3"}
    process = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(process.stdout.splitlines()[-1])


def _find_auto(subject: LayerNetwork) -> str:
    return choose_backend(parse_spec(json.dumps(subject.build_spec()).encode())).name


def _build_outcome(later: dict[str, Rounds], first: dict[str, Rounds], chosen: dict[str, str]) -> Outcome:
    figures: dict[str, Any] = {
        "networks": {
            name: {
                "epoch_ms": _summarize_rounds(rounds),
                "first_epoch_s": _summarize_rounds(first[name]),
                "jax_times_faster": round_significant(rounds.compute_ratio("tensorflow", "jax")),
                "auto": chosen[name],
                "rounds": rounds.to_document(),
            }
            for name, rounds in later.items()
        }
    }
    rows = [
        (
            name,
            *(rounds.compute_median(backend) for backend in BACKENDS),
            rounds.compute_ratio("tensorflow", "jax"),
            *(first[name].compute_median(backend) for backend in BACKENDS),
            chosen[name],
        )
        for name, rounds in later.items()
    ]
    targets = [
        Target(f"auto, {name}, against the other", _compute_loss(rounds, chosen[name]), MAX_LOSS, "x", at_most=True)
        for name, rounds in later.items()
    ]
    return Outcome(
        "Backends: milliseconds an epoch of stock fit, without the first epoch",
        ("", "jax", "tensorflow", "tensorflow / jax", "first, jax, s", "first, tensorflow, s", "auto"),
        rows,
        figures,
        targets,
        ("The first epoch includes tracing and compiling. Each training has a process of its own and all cores.",),
    )


def _summarize_rounds(rounds: Rounds) -> dict[str, float]:
    return {backend: round_significant(rounds.compute_median(backend)) for backend in BACKENDS}


def _compute_loss(rounds: Rounds, auto: str) -> float:
    other = next(backend for backend in BACKENDS if backend != auto)
    return rounds.compute_ratio(auto, other)
