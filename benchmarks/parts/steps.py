"""Milliseconds a step: our engine, stock `fit` in turn with it in the same process, and the machine's floor."""

import math
import os
from typing import Any

from options import Options, progress
from outcome import Outcome, Target, number
from pairs import Rounds, geometric_mean, significant
from tutorials import DIVERGING, FILES

ROUNDS = 3
EXPERIMENTS = [name for name in FILES if name != DIVERGING]
"""Those that train for more than an epoch: the plain concrete network diverges in its first."""
SHORT = ("iris-batchnorm", "concrete-batchnorm")
FLOORS = {"red-wine": 1.5, "mnist-plain": 3.0, "mnist-dropout": 3.0}
"""How many times the floor's time our engine may take."""


def measure(options: Options) -> Outcome:
    """Measure the machine, then every experiment in turn."""
    os.environ |= {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    import floor  # noqa: PLC0415  # what follows loads tensorflow, which reads the variables above
    from arrays import Table  # noqa: PLC0415
    from training import ours, stock  # noqa: PLC0415

    rates = floor.rates()
    progress(f"{rates.flops / 1e9:.0f} GFLOP/s, {rates.bandwidth / 1e9:.1f} GB/s")
    rounds: dict[str, Rounds] = {}
    works: dict[str, floor.Work] = {}
    with options.data() as data:
        for name in options.chosen(EXPERIMENTS, SHORT):
            experiment = data.experiment(name)
            job = Table.of(experiment).job(experiment.spec)
            steps = math.ceil(len(job.data.x_train) / job.spec.training.batch_size)
            works[name] = floor.work(job, steps)
            rounds[name] = Rounds()
            for _ in range(options.times(ROUNDS)):
                measured = {"stock": 1000 * stock(job) / steps, "ours": 1000 * ours(job) / steps}
                rounds[name].add(measured)
                progress(f"{name}: {', '.join(f'{side} {number(value)} ms' for side, value in measured.items())}")
        generated = data.generated
    floors = {name: work.milliseconds(rates) for name, work in works.items()}
    figures: dict[str, Any] = {
        "generated_data": generated,
        "rates": {"GFLOP_s": significant(rates.flops / 1e9), "GB_s": significant(rates.bandwidth / 1e9)},
        "experiments": {name: _figures(rounds[name], works[name], floors[name]) for name in rounds},
    }
    return _outcome(rounds, floors, figures)


def _figures(rounds: Rounds, work: Any, floor: float) -> dict[str, Any]:
    return {
        "ms_a_step": {side: significant(rounds.median(side)) for side in ("ours", "stock")}
        | {"floor": significant(floor)},
        "times_faster_than_stock": significant(rounds.ratio("stock", "ours")),
        "times_the_floor": significant(rounds.median("ours") / floor),
        "flops_a_step": significant(work.flops),
        "bytes_a_step": significant(work.bytes),
        "rounds": rounds.told(),
    }


def _outcome(rounds: dict[str, Rounds], floors: dict[str, float], figures: dict[str, Any]) -> Outcome:
    faster = {name: told.ratio("stock", "ours") for name, told in rounds.items()}
    floored = {name: told.median("ours") / floors[name] for name, told in rounds.items()}
    rows = [
        (name, told.median("stock"), told.median("ours"), floors[name], faster[name], floored[name])
        for name, told in rounds.items()
    ]
    rows.append(("geometric mean", "", "", "", geometric_mean(faster.values()), geometric_mean(floored.values())))
    rates = figures["rates"]
    return Outcome(
        "Steps: milliseconds a training step, an epoch's validation shared out among its steps",
        ("", "stock ms", "ours ms", "floor ms", "stock / ours", "ours / floor"),
        rows,
        figures,
        [
            Target(f"{name} against the floor", floored[name], wanted, "x", at_most=True)
            for name, wanted in FLOORS.items()
            if name in floored
        ],
        (
            (
                "A step's time is that of an epoch, training and validation, over its training steps; the first "
                "epochs, with tracing, are left out. Stock is fit with a callback that looks at the clock once an "
                "epoch, and no other."
            ),
            (
                "The floor: training rows forward and backward (3x, without the gradient of the input) and "
                f"validation rows forward at {rates['GFLOP_s']:g} GFLOP/s, TensorFlow's best float32 matmul here, and "
                f"the optimizer's arrays (Adam 7, SGD 3 float32 a parameter) at {rates['GB_s']:g} GB/s."
            ),
        ),
    )
