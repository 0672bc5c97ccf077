"""Compare the seven experiments, from POST to end on a warm worker, with their scripts as whole processes.

Each round starts a new server, whose children first train a small job of another architecture. So the first job finds
neither its architecture nor its data in a cache. Then come jobs of the same spec with other seeds. One more comes
after a restart of the server: its process finds the functions that JAX compiled before on the disk. The first job's
script runs after the server has ended.
"""

import statistics
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import scripts
from histories import have_same_bits, parse_columns
from installation import start_server, time_job, warm_up
from options import Options, print_progress
from outcome import Outcome, Target, format_number
from pairs import Rounds, compute_geometric_mean, round_significant
from tutorials import FILES, Experiment, ExperimentData

from stackyard.client import Client

ROUNDS = 3
REPEATS = 3
SIDES = ("script", "own script", "first", "restart", "repeat")
"""The script on TensorFlow, Keras's default backend; the script on the backend of the job; and the jobs."""
REPEAT_TARGETS = (("iris-batchnorm", 110), ("red-wine", 3.3), ("mnist-dropout", 11))
SHORT = ("concrete-plain", "iris-batchnorm")


def measure(options: Options) -> Outcome:
    """Measure rounds over all experiments, so that the measurements of one experiment are far apart."""
    with options.open_data() as data:
        names = options.choose_experiments(list(FILES), SHORT)
        rounds = {name: Rounds() for name in names}
        same: dict[str, list[bool]] = {name: [] for name in names}
        for number_of_round in range(options.choose_repetitions(ROUNDS)):
            for name in names:
                seconds, is_equal = _measure_round(data.load_experiment(name), number_of_round)
                rounds[name].add_round(seconds)
                same[name].append(is_equal)
                print_progress(
                    f"{name}: {', '.join(f'{side} {format_number(value)} s' for side, value in seconds.items())}"
                )
        return _build_outcome(data, rounds, same)


def _measure_round(experiment: Experiment, number_of_round: int) -> tuple[dict[str, float], bool]:
    """Return the seconds of both scripts and of the jobs, and whether script and first job have equal histories."""
    seed = number_of_round * (REPEATS + 1)
    with TemporaryDirectory(prefix="stackyard-bench-") as directory:
        with start_server(Path(directory)) as server, Client(server.url, timeout=600) as client:
            if experiment.file is not None:
                client.upload(experiment.file, name=experiment.file.stem)
            warm_up(client)
            first, job = time_job(client, experiment.build_spec(seed))
            repeats = [time_job(client, experiment.build_spec(seed + offset))[0] for offset in range(1, REPEATS + 1)]
            script = client.script(job.id)
            history = client.history_csv(job.id)
        with start_server(Path(directory)) as server, Client(server.url, timeout=600) as client:
            warm_up(client)
            restart, _ = time_job(client, experiment.build_spec(seed))
    is_equal = have_same_bits(
        parse_columns(history), parse_columns(scripts.run_script(script, experiment.file).history)
    )
    script = scripts.remove_thread_setting(script)
    seconds = {
        "own script": scripts.run_script(script, experiment.file).seconds,
        "script": scripts.run_script(scripts.use_tensorflow(script), experiment.file).seconds,
    }
    return {**seconds, "first": first, "restart": restart, "repeat": statistics.median(repeats)}, is_equal


def _build_outcome(data: ExperimentData, rounds: dict[str, Rounds], same: dict[str, list[bool]]) -> Outcome:
    first = {name: measured.compute_ratio("script", "first") for name, measured in rounds.items()}
    restart = {name: measured.compute_ratio("script", "restart") for name, measured in rounds.items()}
    repeat = {name: measured.compute_ratio("script", "repeat") for name, measured in rounds.items()}
    rows = [
        (
            name,
            *(measured.compute_median(side) for side in SIDES),
            first[name],
            restart[name],
            repeat[name],
            _format_share(same[name]),
        )
        for name, measured in rounds.items()
    ]
    rows.append(
        (
            "geometric mean",
            *[""] * len(SIDES),
            *(compute_geometric_mean(ratios.values()) for ratios in (first, restart, repeat)),
            "",
        )
    )
    targets = [
        Target("first job of its architecture, geometric mean", compute_geometric_mean(first.values()), 6, "x"),
        *(Target(f"first job of its architecture, {name}", ratio, 2, "x") for name, ratio in first.items()),
        Target("first job after a restart, geometric mean", compute_geometric_mean(restart.values()), 9, "x"),
        Target("repeat, geometric mean", compute_geometric_mean(repeat.values()), 16, "x"),
        *(Target(f"repeat, {name}", repeat[name], value, "x") for name, value in REPEAT_TARGETS if name in repeat),
    ]
    figures: dict[str, Any] = {
        name: {
            "seconds": {side: round_significant(rounds[name].compute_median(side)) for side in SIDES},
            "first_times_faster": round_significant(first[name]),
            "restart_times_faster": round_significant(restart[name]),
            "repeat_times_faster": round_significant(repeat[name]),
            "same_history": _format_share(same[name]),
            "rounds": rounds[name].to_document(),
        }
        for name in rounds
    }
    return Outcome(
        "Experiments: seconds from the POST to the job's end, and of the script as a whole process",
        ("", *(f"{side} s" for side in SIDES), "first x", "restart x", "repeat x", "same bits"),
        rows,
        {"generated_data": data.generated, "experiments": figures},
        targets,
        (
            (
                "A job's end is its finished_at, by the database's clock, which is this machine's; a client hears "
                "of it one commit later."
            ),
            (
                f"A round has a fresh server whose children have each done a small other job; a repeat is the median "
                f"of {REPEATS} jobs with other seeds, for one of which the other child traces. Ratios are medians of "
                "the rounds' own."
            ),
            (
                "The script of the job runs in its own process, after the server has ended, without the line "
                "that sets the job's threads: as stock Keras runs. With that line it ran before, uncounted, for the "
                "bits. Ratios are those to the script on TensorFlow, Keras's default backend; the own script runs on "
                "the backend of the job."
            ),
        ),
    )


def _format_share(is_equal: list[bool]) -> str:
    return f"{sum(is_equal)} of {len(is_equal)}"
