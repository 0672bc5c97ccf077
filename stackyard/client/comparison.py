"""Views of the answers about several jobs: their comparison, and the results of an action on each of them."""

from typing import Any

from stackyard.client.views import History, Job, ProblemDocument, View


class Difference(View):
    """A place at which specs differ, as a JSON pointer, and its value in each spec; None where it is absent."""

    pointer: str
    values: list[Any]


class Band(View):
    """The mean of a metric by epoch, from 0, and the mean less and plus the standard deviation (n - 1)."""

    epochs: list[int]
    mean: list[float]
    low: list[float]
    high: list[float]


class Repeats(View):
    """Jobs whose specs differ only in seeds, by their indices in the comparison, and the bands of their metrics."""

    jobs: list[int]
    metrics: dict[str, Band]


class Comparison(View):
    """Jobs, their histories in the same order, the differences of their specs, and repeats of one spec.

    `metrics` has the names of all metrics. Names and tags of jobs are no differences.
    """

    jobs: list[Job]
    metrics: list[str]
    differences: list[Difference]
    histories: list[History]
    repeats: list[Repeats]


class JobActionResult(View):
    """The result of an action for one job: the job afterwards, or the problem.

    `job` is None for a deleted job, and the new job of a retried one.
    """

    id: str
    ok: bool
    problem: ProblemDocument | None = None
    job: Job | None = None


class JobActionResults(View):
    """One result for each id of a request, in its order."""

    results: list[JobActionResult]
