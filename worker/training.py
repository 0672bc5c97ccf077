"""A claimed job's way: data, network, engine, evaluation, files."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import keras

from models import JobState
from service import datasets, history, lifecycle
from service.artifacts import ArtifactStore
from service.attempts import Claim, Conclusion, MadeArtifact
from worker import engine
from worker.compilation import build_compiled
from worker.preparation import Prepared, prepare
from worker.reporter import Reporter

# As keras.Sequential, `fit`, `evaluate`, `summary` and `save` have no types: networks are Any from here on.
_SUMMARY_COLUMNS = 100
_utils: Any = keras.utils


def train(claim: Claim, reporter: Reporter, store: ArtifactStore) -> Conclusion:
    """Do what the job's spec says.

    Raises:
        Cancelled: the job's owner wants it to stop.
        LeaseLost: the attempt is no longer ours.
        PreparationError: the rows cannot be made into what the spec asks for.

    """
    spec = claim.spec
    data = prepare(spec, datasets.description(claim.dataset), datasets.source(claim.dataset, store))
    reporter.check()
    keras.backend.clear_session()  # layers are named and numbered anew, and the last job's graphs go
    _utils.set_random_seed(spec.training.seed)
    network: Any = build_compiled(spec, data.x_train.shape[1:])
    outcome = engine.train(network, data, spec.training, reporter)
    summary = _summary(network, store)
    if outcome.diverged is not None:
        why = lifecycle.reason("loss_not_finite", outcome.diverged.sentence)
        return Conclusion(JobState.DIVERGED, why, artifacts=[summary])
    evaluation = _evaluate(network, data, spec.training.batch_size)
    reporter.check()
    return Conclusion(JobState.SUCCEEDED, evaluation=evaluation, artifacts=[summary, _model(network, store)])


def _evaluate(network: Any, data: Prepared, batch_size: int) -> dict[str, Any] | None:
    """The metrics of the test set, where the spec has one."""
    if data.x_test is None:
        return None
    values: Mapping[str, float] = network.evaluate(
        data.x_test,
        data.y_test,
        batch_size=batch_size,
        return_dict=True,
        verbose=0,
    )
    numbers = {name: float(value) for name, value in values.items()}
    return {
        "metrics": {name: history.finite(number) for name, number in numbers.items()},
        "nonfinite": history.nonfinite(numbers.items()),
    }


def _summary(network: Any, store: ArtifactStore) -> MadeArtifact:
    lines: list[str] = []
    network.summary(line_length=_SUMMARY_COLUMNS, print_fn=lines.append)
    with store.receive() as incoming:
        incoming.write("\n".join([*lines, ""]).encode())
        return MadeArtifact("summary", "text/plain", store.keep(incoming))


def _model(network: Any, store: ArtifactStore) -> MadeArtifact:
    with TemporaryDirectory(prefix="stackyard-") as directory:
        path = Path(directory) / "model.keras"
        network.save(path)
        return MadeArtifact("model", "application/octet-stream", store.add(path))
