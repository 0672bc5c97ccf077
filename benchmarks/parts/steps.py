"""Milliseconds per step of our engine and of stock `fit`, in turn in warm processes, and the machine's floor."""

import math
import os
from contextlib import ExitStack
from typing import Any

from options import Options, print_progress
from outcome import Outcome, Target, format_number
from pairs import Rounds, compute_geometric_mean, round_significant
from trainer import start_trainer
from tutorials import DIVERGING, FILES

from stackyard.cores import count_schedulable_cores, count_usable_cores

ROUNDS = 3
EXPERIMENTS = [name for name in FILES if name != DIVERGING]
"""The experiments that train for more than one epoch."""
SHORT = ("iris-batchnorm", "concrete-batchnorm")
MAX_FLOOR_RATIOS = {"red-wine": 1.5, "mnist-plain": 3.0, "mnist-dropout": 3.0}
"""The allowed ratios of our engine's time to the floor."""


def measure(options: Options) -> Outcome:
    """Measure every experiment in turn, and the machine's rates before each round."""
    os.environ |= {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    import floor  # noqa: PLC0415  # it imports tensorflow, which reads the variables above
    from arrays import ExperimentTable  # noqa: PLC0415

    from worker.runtime.thread_allocation import LARGE_STEP_FLOPS  # noqa: PLC0415

    rounds: dict[str, Rounds] = {}
    works: dict[str, floor.StepWork] = {}
    rates = floor.Rates(0, 0)
    with options.open_data() as data, ExitStack() as stack:
        stock, shared, alone = (
            stack.enter_context(start_trainer(options.shared, *threads))
            for threads in ((), (_count_share(),), (_count_share(), count_usable_cores()))
        )
        for name in options.choose_experiments(EXPERIMENTS, SHORT):
            experiment = data.load_experiment(name)
            job = ExperimentTable.load(experiment).prepare_job(experiment.spec)
            steps = math.ceil(len(job.data.x_train) / job.spec.training.batch_size)
            works[name] = floor.count_step_work(job, steps)
            trainers = {"stock": stock, "ours": alone if job.report.step_flops >= LARGE_STEP_FLOPS else shared}
            rounds[name] = Rounds()
            for _ in range(options.choose_repetitions(ROUNDS)):
                rates = rates.take_best(floor.Rates(**stock.send_request("rates")))
                measured = {
                    side: 1000 * trainer.send_request(side, experiment=name, spec=experiment.spec)["epoch"] / steps
                    for side, trainer in trainers.items()
                }
                rounds[name].add_round(measured)
                message = ", ".join(f"{side} {format_number(value)} ms" for side, value in measured.items())
                print_progress(f"{name}: {message}; {rates.flops / 1e9:.0f} GFLOP/s, {rates.bandwidth / 1e9:.1f} GB/s")
        generated = data.generated
    floors = {name: work.compute_floor_ms(rates) for name, work in works.items()}
    figures: dict[str, Any] = {
        "generated_data": generated,
        "threads": {"stock": count_schedulable_cores(), "ours": _count_share(), "ours, large": count_usable_cores()},
        "rates": {"GFLOP_s": round_significant(rates.flops / 1e9), "GB_s": round_significant(rates.bandwidth / 1e9)},
        "experiments": {name: _build_figures(rounds[name], works[name], floors[name]) for name in rounds},
    }
    return _build_outcome(rounds, floors, figures)


def _count_share() -> int:
    """Return the number of threads of a child of `make serve`."""
    return max(1, count_usable_cores() // 2)


def _build_figures(rounds: Rounds, work: Any, floor: float) -> dict[str, Any]:
    return {
        "ms_a_step": {side: round_significant(rounds.compute_median(side)) for side in ("ours", "stock")}
        | {"floor": round_significant(floor)},
        "times_faster_than_stock": round_significant(rounds.compute_ratio("stock", "ours")),
        "times_the_floor": round_significant(rounds.compute_median("ours") / floor),
        "flops_a_step": round_significant(work.flops),
        "bytes_a_step": round_significant(work.bytes),
        "rounds": rounds.to_document(),
    }


def _build_outcome(rounds: dict[str, Rounds], floors: dict[str, float], figures: dict[str, Any]) -> Outcome:
    faster = {name: measured.compute_ratio("stock", "ours") for name, measured in rounds.items()}
    floored = {name: measured.compute_median("ours") / floors[name] for name, measured in rounds.items()}
    rows = [
        (
            name,
            measured.compute_median("stock"),
            measured.compute_median("ours"),
            floors[name],
            faster[name],
            floored[name],
        )
        for name, measured in rounds.items()
    ]
    rows.append(
        (
            "geometric mean",
            "",
            "",
            "",
            compute_geometric_mean(faster.values()),
            compute_geometric_mean(floored.values()),
        )
    )
    rates = figures["rates"]
    return Outcome(
        "Steps: milliseconds a training step, an epoch's validation shared out among its steps",
        ("", "stock ms", "ours ms", "floor ms", "stock / ours", "ours / floor"),
        rows,
        figures,
        [
            Target(f"{name} against the floor", floored[name], bound, "x", at_most=True)
            for name, bound in MAX_FLOOR_RATIOS.items()
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
