"""Milliseconds a step: our engine, stock `fit` in turn with it, each in a warm process, and the machine's floor."""

import math
import os
from contextlib import ExitStack
from typing import Any

from options import Options, progress
from outcome import Outcome, Target, number
from pairs import Rounds, geometric_mean, significant
from trainer import trainer
from tutorials import DIVERGING, FILES

from stackyard.cores import count_schedulable_cores, count_usable_cores

ROUNDS = 3
EXPERIMENTS = [name for name in FILES if name != DIVERGING]
"""Those that train for more than an epoch: the plain concrete network diverges in its first."""
SHORT = ("iris-batchnorm", "concrete-batchnorm")
FLOORS = {"red-wine": 1.5, "mnist-plain": 3.0, "mnist-dropout": 3.0}
"""How many times the floor's time our engine may take."""


def measure(options: Options) -> Outcome:
    """Measure every experiment in turn, and before each round what the machine can do at that moment."""
    os.environ |= {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    import floor  # noqa: PLC0415  # what follows loads tensorflow, which reads the variables above
    from arrays import Table  # noqa: PLC0415

    from worker.runtime.threads import LARGE_STEP_FLOPS  # noqa: PLC0415

    rounds: dict[str, Rounds] = {}
    works: dict[str, floor.Work] = {}
    rates = floor.Rates(0, 0)
    with options.data() as data, ExitStack() as stack:
        stock, shared, alone = (
            stack.enter_context(trainer(options.shared, *threads))
            for threads in ((), (_share(),), (_share(), count_usable_cores()))
        )
        for name in options.chosen(EXPERIMENTS, SHORT):
            experiment = data.experiment(name)
            job = Table.of(experiment).job(experiment.spec)
            steps = math.ceil(len(job.data.x_train) / job.spec.training.batch_size)
            works[name] = floor.work(job, steps)
            asked = {"stock": stock, "ours": alone if job.report.step_flops >= LARGE_STEP_FLOPS else shared}
            rounds[name] = Rounds()
            for _ in range(options.times(ROUNDS)):
                rates = rates.best(floor.Rates(**stock.ask("rates")))
                measured = {
                    side: 1000 * one.ask(side, experiment=name, spec=experiment.spec)["epoch"] / steps
                    for side, one in asked.items()
                }
                rounds[name].add(measured)
                told = ", ".join(f"{side} {number(value)} ms" for side, value in measured.items())
                progress(f"{name}: {told}; {rates.flops / 1e9:.0f} GFLOP/s, {rates.bandwidth / 1e9:.1f} GB/s")
        generated = data.generated
    floors = {name: work.milliseconds(rates) for name, work in works.items()}
    figures: dict[str, Any] = {
        "generated_data": generated,
        "threads": {"stock": count_schedulable_cores(), "ours": _share(), "ours, large": count_usable_cores()},
        "rates": {"GFLOP_s": significant(rates.flops / 1e9), "GB_s": significant(rates.bandwidth / 1e9)},
        "experiments": {name: _figures(rounds[name], works[name], floors[name]) for name in rounds},
    }
    return _outcome(rounds, floors, figures)


def _share() -> int:
    """The threads of a child of `make serve`."""
    return max(1, count_usable_cores() // 2)


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
                "epoch, and no other, on TensorFlow's choice of threads; ours has the threads of a worker's child or, "
                "if its steps are large, all of the worker's, as a job has that is alone."
            ),
            (
                "The floor: training rows forward and backward (3x, without the gradient of the input) and "
                f"validation rows forward at {rates['GFLOP_s']:g} GFLOP/s, TensorFlow's best float32 matmul on all "
                "cores during the measurement, and "
                f"the optimizer's arrays (Adam 7, SGD 3 float32 a parameter) at {rates['GB_s']:g} GB/s."
            ),
        ),
    )
