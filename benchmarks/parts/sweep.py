"""A sweep: 100 jobs of one architecture with different seeds, learning rates and dropout rates, sent at once.

`iris-batchnorm` has no dropout, so a Dropout is inserted after each of its BatchNormalizations, as a user would do.
The sweep is compared with ten of its scripts, one after another and two at a time, and with stock `fit` on the same
ten in one warm process. Scripts and fits run in turn.
"""

import copy
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from random import Random
from typing import Any

import scripts
from histories import have_same_bits, parse_columns
from installation import start_installation, warm_up
from options import Options, print_progress
from outcome import Outcome, Target, format_number
from pairs import Rounds, round_significant
from trainer import start_trainer
from tutorials import ExperimentData

from stackyard.client import Client, Job

JOBS, SHORT_JOBS = 100, 6
MEASURED, SHORT_MEASURED = 10, 2
WORKERS = (None, 1)
"""The numbers of worker children to measure; None is the default of `make serve`."""
ROUNDS = 3
SEED = 0
LEARNING_RATES = (1e-4, 1e-2)
DROPOUT_RATES = (0.0, 0.5)
POLL = 0.1
EXPERIMENT = "iris-batchnorm"

Spec = dict[str, Any]


def build_specs(spec: Spec, jobs: int) -> list[Spec]:
    """Return the specs of the sweep: seeds from 0, log-uniform learning rates, uniform dropout rates."""
    random = Random(SEED)  # noqa: S311  # for a sweep, not for a secret
    return [_vary_spec(spec, seed, random) for seed in range(jobs)]


def measure(options: Options) -> Outcome:
    """Measure rounds of the sweep with each number of workers, of the scripts and of stock `fit`."""
    rounds, equal_histories = Rounds(), 0
    with options.open_data() as data:
        jobs, sample_size = (SHORT_JOBS, SHORT_MEASURED) if options.short else (JOBS, MEASURED)
        sweep = build_specs(data.load_experiment(EXPERIMENT).spec, jobs)
        measured = sweep[:: jobs // sample_size]
        for number_of_round in range(options.choose_repetitions(ROUNDS)):
            seconds, equal = _measure_round(sweep, measured, options)
            equal_histories += equal
            rounds.add_round(seconds)
            message = ", ".join(f"{side} {format_number(value)} s" for side, value in seconds.items())
            print_progress(f"round {number_of_round + 1}: {message}")
        return _build_outcome(
            data, rounds, jobs, len(measured), f"{equal_histories} of {len(rounds.rounds) * len(measured)}"
        )


def _vary_spec(spec: Spec, seed: int, random: Random) -> Spec:
    varied = copy.deepcopy(spec)
    low, high = LEARNING_RATES
    rate = low * (high / low) ** random.random()
    dropout = random.uniform(*DROPOUT_RATES)
    varied["network"]["layers"] = [
        layer
        for given in varied["network"]["layers"]
        for layer in (
            [given, {"type": "Dropout", "rate": dropout}] if given["type"] == "BatchNormalization" else [given]
        )
    ]
    varied["training"] |= {"seed": seed, "optimizer": {"type": "Adam", "learning_rate": rate}}
    return varied


def _measure_round(sweep: Sequence[Spec], measured: Sequence[Spec], options: Options) -> tuple[dict[str, float], int]:
    """Return the seconds of the whole sweep by each method, and the number of scripts with equal histories."""
    seconds_by_side: dict[str, float] = {}
    exported: list[tuple[str, str]] = []
    for workers in WORKERS:
        seconds, exported = _run_sweep(sweep, measured, workers)
        seconds_by_side[_name_side(workers)] = seconds
        print_progress(f"{len(sweep)} jobs, {_name_side(workers)}: {format_number(seconds)} s")
    script_s, fit_s, same = 0.0, 0.0, 0
    with start_trainer(options.shared) as warm:
        warm.send_request("stock", experiment=EXPERIMENT, spec=sweep[1])
        for spec, (script, history) in zip(measured, exported, strict=True):
            script_s += scripts.run_script(scripts.remove_thread_setting(script), None).seconds
            same += have_same_bits(parse_columns(history), parse_columns(scripts.run_script(script, None).history))
            fit_s += warm.send_request("stock", experiment=EXPERIMENT, spec=spec)["seconds"]
    share = len(sweep) / len(measured)
    seconds_by_side |= {"scripts": share * script_s, "warm_fit": share * fit_s}
    start = time.perf_counter()
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(lambda pair: scripts.run_script(scripts.remove_thread_setting(pair[0]), None), exported))
    return seconds_by_side | {"scripts_two_at_a_time": share * (time.perf_counter() - start)}, same


def _run_sweep(
    sweep: Sequence[Spec], measured: Sequence[Spec], workers: int | None
) -> tuple[float, list[tuple[str, str]]]:
    """Return the seconds from the first POST to the last end, and script and history of the measured jobs."""
    with start_installation(workers=workers) as server, Client(server.url, timeout=600) as client:
        warm_up(client)
        sent = datetime.now(UTC)
        submitted = [client.submit(spec) for spec in sweep]
        while any(next(iter(client.jobs(state=state, limit=1)), None) for state in ("queued", "running")):
            time.sleep(POLL)
        jobs = [client.job(job.id) for job in submitted]
        if wrong := [job.id for job in jobs if not job.succeeded]:
            raise RuntimeError(f"expected {len(jobs)} jobs that succeed, received {len(wrong)} that did not")
        last = max(job.finished_at for job in jobs if job.finished_at is not None)
        selected = [job for job, spec in zip(jobs, sweep, strict=True) if spec in measured]
        return (last - sent).total_seconds(), [_export_job(client, job) for job in selected]


def _export_job(client: Client, job: Job) -> tuple[str, str]:
    return client.script(job.id), client.history_csv(job.id)


def _name_side(workers: int | None) -> str:
    return "sweep" if workers is None else f"sweep_{workers}_workers"


def _build_outcome(data: ExperimentData, rounds: Rounds, jobs: int, measured: int, same: str) -> Outcome:
    methods = {
        f"{jobs} jobs": "sweep",
        **{f"{jobs} jobs, {workers} child of all cores": _name_side(workers) for workers in WORKERS[1:]},
        f"{jobs} scripts, one after another": "scripts",
        f"{jobs} scripts, two at a time": "scripts_two_at_a_time",
        f"stock fit {jobs} times, one warm process": "warm_fit",
    }
    ratio = rounds.compute_ratio("scripts", "sweep")
    rows = [
        (method, rounds.compute_median(side), rounds.compute_ratio(side, "sweep")) for method, side in methods.items()
    ]
    figures: dict[str, Any] = {
        "generated_data": data.generated,
        "jobs": jobs,
        "measured_scripts_and_fits": measured,
        "seconds": {side: round_significant(rounds.compute_median(side)) for side in methods.values()},
        "times_the_sweep": {side: round_significant(rounds.compute_ratio(side, "sweep")) for side in methods.values()},
        "same_history": same,
        "rounds": rounds.to_document(),
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
