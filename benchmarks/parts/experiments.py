"""The seven experiments, from the POST to the job's end on a warm worker, against their scripts as whole processes.

A round of an experiment has a fresh server, whose children have each done a small job of another architecture: so the
first job meets neither its architecture nor its data in any cache. Jobs of the same spec under other seeds follow, and
then, once the server is gone, the first job's own script.
"""

import statistics
from typing import Any

import scripts
from histories import columns, same_bits
from installation import installed, timed, warm_up
from options import Options, progress
from outcome import Outcome, Target, number
from pairs import Rounds, geometric_mean, significant
from tutorials import FILES, Data, Experiment

from stackyard.client import Client

ROUNDS = 3
REPEATS = 3
SHORT = ("concrete-plain", "iris-batchnorm")


def measure(options: Options) -> Outcome:
    """Measure rounds of every experiment, one experiment after the other, so that a round's lie far apart."""
    with options.data() as data:
        names = options.chosen(list(FILES), SHORT)
        rounds = {name: Rounds() for name in names}
        same: dict[str, list[bool]] = {name: [] for name in names}
        for number_of_round in range(options.times(ROUNDS)):
            for name in names:
                measured, equal = _round(data.experiment(name), number_of_round)
                rounds[name].add(measured)
                same[name].append(equal)
                progress(f"{name}: {', '.join(f'{side} {number(value)} s' for side, value in measured.items())}")
        return _outcome(data, rounds, same)


def _round(experiment: Experiment, number_of_round: int) -> tuple[dict[str, float], bool]:
    """The seconds of the script, of the first job and of a repeat, and whether script and job had the same history."""
    seed = number_of_round * (REPEATS + 1)
    with installed() as server, Client(server.url, timeout=600) as client:
        if experiment.file is not None:
            client.upload(experiment.file, name=experiment.file.stem)
        warm_up(client)
        first, job = timed(client, experiment.seeded(seed))
        repeats = [timed(client, experiment.seeded(seed + more))[0] for more in range(1, REPEATS + 1)]
        script = client.script(job.id)
        history = client.history_csv(job.id)
    equal = same_bits(columns(history), columns(scripts.run(script, experiment.file).history))
    seconds = scripts.run(scripts.on_its_own(script), experiment.file).seconds
    return {"script": seconds, "first": first, "repeat": statistics.median(repeats)}, equal


def _outcome(data: Data, rounds: dict[str, Rounds], same: dict[str, list[bool]]) -> Outcome:
    first = {name: told.ratio("script", "first") for name, told in rounds.items()}
    repeat = {name: told.ratio("script", "repeat") for name, told in rounds.items()}
    rows = [
        (
            name,
            *(told.median(side) for side in ("script", "first", "repeat")),
            first[name],
            repeat[name],
            _of(same[name]),
        )
        for name, told in rounds.items()
    ]
    rows.append(("geometric mean", "", "", "", geometric_mean(first.values()), geometric_mean(repeat.values()), ""))
    targets = [
        Target("first job of its architecture, geometric mean", geometric_mean(first.values()), 5, "x"),
        *(Target(f"first job of its architecture, {name}", ratio, 2, "x") for name, ratio in first.items()),
        Target("repeat, geometric mean", geometric_mean(repeat.values()), 8, "x"),
        *(Target(f"repeat, {name}", ratio, 20, "x") for name, ratio in repeat.items() if name == "iris-batchnorm"),
    ]
    told: dict[str, Any] = {
        name: {
            "seconds": {side: significant(rounds[name].median(side)) for side in ("script", "first", "repeat")},
            "first_times_faster": significant(first[name]),
            "repeat_times_faster": significant(repeat[name]),
            "same_history": _of(same[name]),
            "rounds": rounds[name].told(),
        }
        for name in rounds
    }
    return Outcome(
        "Experiments: seconds from the POST to the job's end, and of the script as a whole process",
        ("", "script s", "first s", "repeat s", "first x", "repeat x", "same bits"),
        rows,
        {"generated_data": data.generated, "experiments": told},
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
                "The script is the job's own, in a process of its own, after the server has ended, without the line "
                "that sets the job's threads: as stock Keras runs. With that line it ran before, uncounted, for the "
                "bits."
            ),
        ),
    )


def _of(equal: list[bool]) -> str:
    return f"{sum(equal)} of {len(equal)}"
