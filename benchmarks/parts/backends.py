"""Networks of each kind of layer in stock `fit` and in our engine, in turn on both backends, in fresh processes."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from layer_networks import NETWORKS, LayerNetwork
from options import Options, print_progress
from outcome import Outcome, Target, format_number
from pairs import Rounds, round_significant

from stackyard.spec import choose_backend, parse_spec

BACKENDS, WAYS = ("jax", "tensorflow"), ("fit", "engine")
ROUNDS, EPOCHS = 3, 4
SHORT = ("Dense", "LSTM", "Conv2D")
"""The kinds of layers of a trial, which takes only the small network of each."""
MAX_LOSS = 1.1
"""The allowed ratio of an epoch on the backend that `auto` selects to one on the other backend, in our engine."""
_SCRIPT = Path(__file__).parents[1] / "backend_trainer.py"


def measure(options: Options) -> Outcome:
    """Measure every network in turn on both backends."""
    epochs: dict[str, Rounds] = {}
    firsts: dict[str, Rounds] = {}
    chosen: dict[str, str] = {}
    for index, subject in enumerate(NETWORKS):
        if options.short and (subject.kind not in SHORT or subject.size != "small"):
            continue
        name = f"{subject.kind}, {subject.size}"
        epochs[name], firsts[name], chosen[name] = Rounds(), Rounds(), _find_auto(subject)
        for _ in range(options.choose_repetitions(ROUNDS)):
            times = {f"{way}_{backend}": _train_network(index, way, backend) for way in WAYS for backend in BACKENDS}
            epochs[name].add_round({side: 1000 * seconds["epoch"] for side, seconds in times.items()})
            firsts[name].add_round({side: seconds["first"] for side, seconds in times.items()})
            message = ", ".join(f"{side} {format_number(ms)} ms" for side, ms in epochs[name].rounds[-1].items())
            print_progress(f"{name}: {message} an epoch")
    return _build_outcome(epochs, firsts, chosen)


def _train_network(index: int, way: str, backend: str) -> dict[str, float]:
    """Return the seconds of the first epoch or training, and of a later epoch."""
    environment = os.environ | {"KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, str(_SCRIPT), str(index), str(EPOCHS), way]
    process = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return json.loads(process.stdout.splitlines()[-1])


def _find_auto(subject: LayerNetwork) -> str:
    return choose_backend(parse_spec(json.dumps(subject.build_spec()).encode())).name


def _build_outcome(epochs: Mapping[str, Rounds], firsts: Mapping[str, Rounds], chosen: Mapping[str, str]) -> Outcome:
    figures: dict[str, Any] = {
        "networks": {
            name: {
                "epoch_ms": _summarize_rounds(rounds),
                "first_s": _summarize_rounds(firsts[name]),
                "jax_times_faster": round_significant(rounds.compute_ratio("engine_tensorflow", "engine_jax")),
                "auto": chosen[name],
                "rounds": rounds.to_document(),
            }
            for name, rounds in epochs.items()
        }
    }
    rows = [
        (
            name,
            *_summarize_rounds(rounds).values(),
            rounds.compute_ratio("engine_tensorflow", "engine_jax"),
            chosen[name],
        )
        for name, rounds in epochs.items()
    ]
    targets = [
        Target(f"auto, {name}, against the other", _compute_loss(rounds, chosen[name]), MAX_LOSS, "x", at_most=True)
        for name, rounds in epochs.items()
    ]
    return Outcome(
        "Backends: milliseconds an epoch, without tracing and compiling",
        ("", "fit, jax", "fit, tensorflow", "engine, jax", "engine, tensorflow", "tensorflow / jax", "auto"),
        rows,
        figures,
        targets,
        (
            (
                "Each training has a process of its own and all cores. Of the engine, it is the second training of "
                "the process, with all that a training costs; of fit, it is the median epoch after the first one."
            ),
        ),
    )


def _summarize_rounds(rounds: Rounds) -> dict[str, float]:
    sides = (f"{way}_{backend}" for way in WAYS for backend in BACKENDS)
    return {side: round_significant(rounds.compute_median(side)) for side in sides}


def _compute_loss(rounds: Rounds, auto: str) -> float:
    other = next(backend for backend in BACKENDS if backend != auto)
    return rounds.compute_ratio(f"engine_{auto}", f"engine_{other}")
