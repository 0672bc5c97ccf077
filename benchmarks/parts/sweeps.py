"""Sweeps: searches by random draws and by TPE against Optuna with its own Keras loop, and what sweeps add to jobs.

Each side searches for the same time: an Optuna study gets the seconds that Stackyard's sweep took. The sides run in
turn, each on a server or in a process of its own.
"""

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sweep_subject
from installation import WAITING_JOB, start_installation, warm_up
from options import Options, print_progress
from outcome import Outcome, Target, format_number
from pairs import Rounds, round_significant
from scheduling import measure_scheduling

from stackyard.client import Client, Sweep

TRIALS, SHORT_TRIALS = 100, 8
SUBMITTED = 1000
SCHEDULED, SHORT_SCHEDULED = 1000, 100
ROUNDS = 3
METHODS = ("random", "tpe")
POLL = 0.1

Spec = dict[str, Any]


@dataclass(frozen=True)
class _Search:
    """The trials that a search has finished, in how many seconds, and its best value."""

    trials: int
    seconds: float
    best: float

    def list_figures(self, side: str) -> dict[str, float]:
        """Return the figures of a round by their names."""
        return {f"{side}_trials_per_minute": 60 * self.trials / self.seconds, f"{side}_best": self.best}


def measure(options: Options) -> Outcome:
    """Measure rounds of all sides, one submit of many trials, and the scheduler's CPU time."""
    rounds, trials = Rounds(), SHORT_TRIALS if options.short else TRIALS
    scheduled = SHORT_SCHEDULED if options.short else SCHEDULED
    with options.open_data() as data:
        base = sweep_subject.build_base(data)
        for number in range(options.choose_repetitions(ROUNDS)):
            figures = _measure_round(base, trials, options.shared)
            rounds.add_round(figures)
            message = ", ".join(f"{name} {format_number(value)}" for name, value in figures.items())
            print_progress(f"round {number + 1}: {message}")
    submit = _time_submit()
    cpu = {method: measure_scheduling(method, scheduled) for method in METHODS}
    return _build_outcome(rounds, trials, submit, cpu, scheduled)


def _measure_round(base: Spec, trials: int, shared: Path) -> dict[str, float]:
    """Return the figures of each side; all trials of one method search the same space."""
    figures: dict[str, float] = {}
    for method in METHODS:
        ours, specs = _run_sweep(base, method, trials)
        figures |= ours.list_figures(f"stackyard_{method}")
        print_progress(f"{trials} trials by {method}: {format_number(ours.seconds)} s")
        if method == "random":
            figures |= {"sweep_seconds": ours.seconds, "plain_jobs_seconds": _run_plain_jobs(specs)}
        figures |= _run_optuna(method, ours.seconds, shared).list_figures(f"optuna_{method}")
    return figures


def _run_sweep(base: Spec, method: str, trials: int) -> tuple[_Search, list[Spec]]:
    """Return the search from the POST to the end of the sweep, and the specs of its jobs."""
    with start_installation() as server, Client(server.url, timeout=600) as client:
        warm_up(client)
        sent = datetime.now(UTC)
        search = {"method": method, "seed": sweep_subject.SEED}
        sweep = client.sweep(base, sweep_subject.build_space(base), search=search, budget=trials)
        ended = sweep.wait(poll=POLL)
        if not ended.succeeded or ended.best_value is None or ended.finished_at is None:
            raise RuntimeError(f"expected a sweep that succeeds, received one that is {ended.state}")
        seconds = ended.finished_at - sent
        specs = [client.job(trial.jobs[0].id).spec for trial in ended.trials(sort="number")]
        return _Search(ended.counts.ended, seconds.total_seconds(), ended.best_value.value), specs


def _run_plain_jobs(specs: list[Spec]) -> float:
    """Return the seconds from the first POST to the last end of the same jobs, sent one by one."""
    with start_installation() as server, Client(server.url, timeout=600) as client:
        warm_up(client)
        sent = datetime.now(UTC)
        submitted = [client.submit(spec) for spec in specs]
        while any(next(iter(client.jobs(state=state, limit=1)), None) for state in ("queued", "running")):
            time.sleep(POLL)
        jobs = [client.job(job.id) for job in submitted]
        return max((job.finished_at or sent) - sent for job in jobs).total_seconds()


def _run_optuna(method: str, seconds: float, shared: Path) -> _Search:
    loop = Path(__file__).parents[1] / "optuna_loop.py"
    command = [sys.executable, str(loop), "--method", method, "--seconds", str(seconds), "--shared", str(shared)]
    process = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True)
    return _Search(**json.loads(process.stdout.splitlines()[-1]))


def _time_submit() -> float:
    """Return the seconds of one request with many trials, for a queue without a worker."""
    specs = [WAITING_JOB | {"training": WAITING_JOB["training"] | {"seed": seed}} for seed in range(SUBMITTED)]
    with start_installation() as server, Client(server.url, timeout=600) as client:
        start = time.perf_counter()
        sweep: Sweep = client.submit_many(specs)
        seconds = time.perf_counter() - start
        if sweep.counts.waiting != SUBMITTED:
            raise RuntimeError(f"expected {SUBMITTED} trials that wait, received {sweep.counts.waiting}")
        return seconds


def _build_outcome(rounds: Rounds, trials: int, submit: float, cpu: dict[str, float], scheduled: int) -> Outcome:
    ratio = rounds.compute_ratio("sweep_seconds", "plain_jobs_seconds")
    sides = {
        f"{title} by {method}": f"{side}_{method}"
        for method in METHODS
        for side, title in (("stackyard", "Stackyard"), ("optuna", "Optuna, own loop of stock fit"))
    }
    rows = [
        (title, rounds.compute_median(f"{side}_trials_per_minute"), rounds.compute_median(f"{side}_best"))
        for title, side in sides.items()
    ]
    targets = [
        Target(f"{trials} trials against {trials} plain jobs", ratio, 1.1, "x", at_most=True),
        Target(f"{SUBMITTED} trials submitted in one request", submit, 2, "s", at_most=True),
        *(
            Target(
                f"scheduler, CPU for a trial by {method} at {scheduled} trials", milliseconds, 20, "ms", at_most=True
            )
            for method, milliseconds in cpu.items()
        ),
    ]
    figures: dict[str, Any] = {
        "trials": trials,
        "sides": {
            title: {"trials_per_minute": round_significant(rate), "best": round_significant(best)}
            for title, rate, best in rows
        },
        "times_plain_jobs": round_significant(ratio),
        "submit_seconds": round_significant(submit),
        "scheduler_ms_per_trial": {method: round_significant(value) for method, value in cpu.items()},
        "rounds": rounds.to_document(),
    }
    notes = (
        f"Learning rate and dropout rate of {sweep_subject.EXPERIMENT}, 200 epochs for each trial; the best val_loss.",
        (
            "Optuna's study ran in one process for as many seconds as the sweep, up to the end of its last trial. It "
            "had imported and traced before. Servers ran with the defaults of `make serve`."
        ),
        "The scheduler's CPU time is the mean over the last 100 trials, on SQLite, with two parameters.",
    )
    title = f"Sweeps: {trials} trials of {sweep_subject.EXPERIMENT}, and as much time for Optuna"
    return Outcome(title, ("", "trials a minute", "best value"), rows, figures, targets, notes)
