"""A claimed job's way: data, network, engine, evaluation, files."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import structlog

from models import JobState
from service.datasets import catalog
from service.errors import Damaged
from service.jobs import lifecycle
from service.jobs.attempts import Claim, Conclusion, MadeArtifact
from service.storage.artifact_store import ArtifactStore
from stackyard.spec import UNLIMITED, DatasetDescription, Task, check
from worker.attempt import checkpoint_file
from worker.attempt.attempt_reporter import Reporter
from worker.attempt.checkpoint_file import CheckpointError
from worker.attempt.evaluation import evaluate, evaluated_rows
from worker.engine import Divergence, Engine, Outcome, Snapshot
from worker.preparation import Prepared, Preparer
from worker.preparation.transforms.fitted_transforms import Fitted

# As keras.Sequential, `summary` and `save` have no types: networks are Any from here on.
_SUMMARY_COLUMNS = 100

log = structlog.get_logger()


def train(claim: Claim, reporter: Reporter, store: ArtifactStore, preparer: Preparer, engine: Engine) -> Conclusion:
    """Do what the job's spec says.

    Raises:
        LeaseLost: the attempt is no longer ours.
        MemoryError: it needs more than there is.
        PreparationError: the rows cannot be made into what the spec asks for.
        Stop: somebody or something wants the attempt to end.
        StorageError: a file cannot be read, or cannot be written to the disk.

    """
    spec = claim.spec
    description = catalog.description(claim.dataset)
    task = _load_task(claim, description)
    with catalog.source(claim.dataset, store) as source:
        data = preparer.prepare(spec, claim.dataset.sha256, description, source, task, reporter.check)
    reporter.check()
    outcome = _trained(claim, reporter, store, engine, data)
    summary = _summary(outcome.network, store)
    if outcome.diverged is not None:
        why = _why(outcome.diverged, _hint(claim.warnings))
        return Conclusion(JobState.DIVERGED, why, artifacts=[summary])
    evaluation = evaluate(outcome, data, spec.training.batch_size, reporter.check)
    reporter.check()
    artifacts = [summary, _preprocessing(data, store), _model(outcome.network, store)]
    return Conclusion(JobState.SUCCEEDED, evaluation=evaluation, artifacts=artifacts)


def _load_task(claim: Claim, description: DatasetDescription) -> Task:
    """Return the task that the check at submit found; a job of an earlier release is checked for it now."""
    if claim.task is None:
        return check(claim.spec, description, UNLIMITED).task
    return Task.model_validate(claim.task)


def _trained(claim: Claim, reporter: Reporter, store: ArtifactStore, engine: Engine, data: Prepared) -> Outcome:
    """Train from the checkpoint, if there is one that can be used, else from the beginning."""
    try:
        start = _start(claim, store)
        reporter.begin()
        return engine.train(claim.spec, data, reporter, start, evaluated=evaluated_rows(data))
    except (CheckpointError, Damaged) as error:
        log.warning("checkpoint not used", action="checkpoint_unusable", error=str(error))
        reporter.begin_anew()
        return engine.train(claim.spec, data, reporter, evaluated=evaluated_rows(data))


def _start(claim: Claim, store: ArtifactStore) -> Snapshot | None:
    if claim.checkpoint is None:
        return None
    with store.local(claim.checkpoint.sha256) as path:
        return checkpoint_file.read(path, job_id=claim.job_id)


def _why(diverged: Divergence, hint: str | None) -> dict[str, Any]:
    """The reason of a job that diverged; `hint` is what to change, for people."""
    layer = None if diverged.layer is None else asdict(diverged.layer)
    where = {"epoch": diverged.epoch, "step": diverged.step, "layer": layer}
    return lifecycle.reason("loss_not_finite", diverged.sentence, **where, hint=hint)


def _hint(warnings: Sequence[Mapping[str, Any]]) -> str | None:
    """What the check warned of and a divergence comes from."""
    found = (
        f"{warning['message']}: {warning['fix']}." for warning in warnings if warning["code"] == "unscaled_features"
    )
    return next(found, None)


def _summary(network: Any, store: ArtifactStore) -> MadeArtifact:
    lines: list[str] = []
    network.summary(line_length=_SUMMARY_COLUMNS, print_fn=lines.append)
    with store.receive() as incoming:
        incoming.write("\n".join([*lines, ""]).encode())
        return MadeArtifact("summary", "text/plain", store.keep(incoming))


def _preprocessing(data: Prepared, store: ArtifactStore) -> MadeArtifact:
    with store.receive() as incoming:
        incoming.write(Fitted(inputs=data.inputs, target=data.target).model_dump_json().encode())
        return MadeArtifact("preprocessing", "application/json", store.keep(incoming))


def _model(network: Any, store: ArtifactStore) -> MadeArtifact:
    with TemporaryDirectory(prefix="stackyard-") as directory:
        path = Path(directory) / "model.keras"
        network.save(path)
        return MadeArtifact("model", "application/octet-stream", store.add(path))
