"""A sweep: 100 jobs of one architecture with different seeds, learning rates and dropout rates, sent at once.

`iris-batchnorm` has no dropout, so a Dropout follows each of its BatchNormalizations, as a user would put it there.
Beside the sweep run ten of its scripts, one after another and two at a time, and stock `fit` on the same ten in one
warm process; the scripts and fits in turn.
"""

import copy
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from random import Random
from typing import Any

import scripts
from histories import columns, same_bits
from installation import installed, warm_up
from options import Options, progress
from outcome import Outcome, Target, number
from pairs import Rounds, significant
from trainer import trainer
from tutorials import Data

from stackyard.client import Client, Job

JOBS, SHORT_JOBS = 100, 6
MEASURED, SHORT_MEASURED = 10, 2
WORKERS = (None, 1)
"""Worker children of the installations that are measured; None is what `make serve` starts."""
ROUNDS = 3
SEED = 0
LEARNING_RATES = (1e-4, 1e-2)
DROPOUT_RATES = (0.0, 0.5)
POLL = 0.1
EXPERIMENT = "iris-batchnorm"

Spec = dict[str, Any]


def specs(spec: Spec, jobs: int) -> list[Spec]:
    """The jobs of the sweep: seeds from 0, learning rates log-uniform, dropout rates uniform."""
    draw = Random(SEED)  # noqa: S311  # for a sweep, not for a secret
    return [_varied(spec, seed, draw) for seed in range(jobs)]


def measure(options: Options) -> Outcome:
    """Measure rounds of the sweep with each number of workers, and what it is compared with."""
    rounds, same = Rounds(), 0
    with options.data() as data:
        jobs, some = (SHORT_JOBS, SHORT_MEASURED) if options.short else (JOBS, MEASURED)
        sweep = specs(data.experiment(EXPERIMENT).spec, jobs)
        measured = sweep[:: jobs // some]
        for number_of_round in range(options.times(ROUNDS)):
            one, equal = _round(sweep, measured, options)
            same += equal
            rounds.add(one)
            told = ", ".join(f"{side} {number(value)} s" for side, value in one.items())
            progress(f"round {number_of_round + 1}: {told}")
        return _outcome(data, rounds, jobs, len(measured), f"{same} of {len(rounds.rounds) * len(measured)}")


def _varied(spec: Spec, seed: int, draw: Random) -> Spec:
    varied = copy.deepcopy(spec)
    low, high = LEARNING_RATES
    rate = low * (high / low) ** draw.random()
    dropout = draw.uniform(*DROPOUT_RATES)
    varied["network"]["layers"] = [
        layer
        for given in varied["network"]["layers"]
        for layer in (
            [given, {"type": "Dropout", "rate": dropout}] if given["type"] == "BatchNormalization" else [given]
        )
    ]
    varied["training"] |= {"seed": seed, "optimizer": {"type": "Adam", "learning_rate": rate}}
    return varied


def _round(sweep: Sequence[Spec], measured: Sequence[Spec], options: Options) -> tuple[dict[str, float], int]:
    """Seconds for the whole sweep by each way, and how many scripts had their job's history to the bit."""
    told: dict[str, float] = {}
    exported: list[tuple[str, str]] = []
    for workers in WORKERS:
        seconds, exported = _sweep(sweep, measured, workers)
        told[_side(workers)] = seconds
        progress(f"{len(sweep)} jobs, {_side(workers)}: {number(seconds)} s")
    script_s, fit_s, same = 0.0, 0.0, 0
    with trainer(options.shared) as warm:
        warm.ask("stock", experiment=EXPERIMENT, spec=sweep[1])
        for spec, (script, history) in zip(measured, exported, strict=True):
            script_s += scripts.run(scripts.on_its_own(script), None).seconds
            same += same_bits(columns(history), columns(scripts.run(script, None).history))
            fit_s += warm.ask("stock", experiment=EXPERIMENT, spec=spec)["seconds"]
    share = len(sweep) / len(measured)
    told |= {"scripts": share * script_s, "warm_fit": share * fit_s}
    start = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda pair: scripts.run(scripts.on_its_own(pair[0]), None), exported))
    return told | {"scripts_two_at_a_time": share * (time.perf_counter() - start)}, same


def _sweep(
    sweep: Sequence[Spec], measured: Sequence[Spec], workers: int | None
) -> tuple[float, list[tuple[str, str]]]:
    """Seconds from the first POST to the last job's end, and of the measured ones script and history."""
    with installed(workers=workers) as server, Client(server.url, timeout=600) as client:
        warm_up(client)
        sent = datetime.now(UTC)
        submitted = [client.submit(spec) for spec in sweep]
        while any(next(iter(client.jobs(state=state, limit=1)), None) for state in ("queued", "running")):
            time.sleep(POLL)
        jobs = [client.job(job.id) for job in submitted]
        if wrong := [job.id for job in jobs if not job.succeeded]:
            raise RuntimeError(f"expected {len(jobs)} jobs that succeed, received {len(wrong)} that did not")
        last = max(job.finished_at for job in jobs if job.finished_at is not None)
        wanted = [job for job, spec in zip(jobs, sweep, strict=True) if spec in measured]
        return (last - sent).total_seconds(), [_exported(client, job) for job in wanted]


def _exported(client: Client, job: Job) -> tuple[str, str]:
    return client.script(job.id), client.history_csv(job.id)


def _side(workers: int | None) -> str:
    return "sweep" if workers is None else f"sweep_{workers}_workers"


def _outcome(data: Data, rounds: Rounds, jobs: int, measured: int, same: str) -> Outcome:
    ways = {
        f"{jobs} jobs": "sweep",
        **{f"{jobs} jobs, {workers} child of all cores": _side(workers) for workers in WORKERS[1:]},
        f"{jobs} scripts, one after another": "scripts",
        f"{jobs} scripts, two at a time": "scripts_two_at_a_time",
        f"stock fit {jobs} times, one warm process": "warm_fit",
    }
    ratio = rounds.ratio("scripts", "sweep")
    rows = [(way, rounds.median(side), rounds.ratio(side, "sweep")) for way, side in ways.items()]
    figures: dict[str, Any] = {
        "generated_data": data.generated,
        "jobs": jobs,
        "measured_scripts_and_fits": measured,
        "seconds": {side: significant(rounds.median(side)) for side in ways.values()},
        "times_the_sweep": {side: significant(rounds.ratio(side, "sweep")) for side in ways.values()},
        "same_history": same,
        "rounds": rounds.told(),
    }
    return Outcome(
        f"Sweep: {jobs} jobs of iris-batchnorm with dropout, seeds, learning rates and dropout rates different",
        ("", "seconds", "times the sweep"),
        rows,
        figures,
        [Target(f"{jobs} jobs against their scripts", ratio, 40, "x")],
        (
            (
                "From the first POST to the last finished_at; the workers have done a small job of another "
                "architecture, so the sweep traces its own."
            ),
            (
                f"Of scripts and of stock fit {measured} were measured and multiplied. A script is a whole process; "
                "the warm process has imported and prepared, and fits one network before it is measured: only build, "
                f"compile and fit count. Same histories, to the bit, as a script that sets the job's threads: {same}."
            ),
        ),
    )
