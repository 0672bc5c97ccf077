"""Train a claimed job: prepare the data, train the network, evaluate it, and store the files."""

import os
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import structlog

from models import JobState
from service.datasets import catalog
from service.errors import CorruptFile
from service.jobs import lifecycle
from service.jobs.attempts import Claim, Conclusion, StoredArtifact
from service.storage.artifact_store import ArtifactStore
from service.tracing import trace_span
from stackyard.spec import UNLIMITED, DatasetDescription, Task, check_spec
from worker.attempt import checkpoint_file
from worker.attempt.attempt_reporter import AttemptReporter
from worker.attempt.checkpoint_file import CheckpointError
from worker.attempt.evaluation import count_evaluation_rows, evaluate_network
from worker.engine import Divergence, EarlyEnd, Engine, Outcome, Snapshot
from worker.preparation import PreparedData, Preparer
from worker.preparation.dataset_rows import DatasetRows
from worker.preparation.lookups import check_lookups
from worker.preparation.transforms.fitted_transforms import FittedTransforms

# Networks are Any in this module, because `summary` and `save` of keras.Sequential have no types.
_SUMMARY_WIDTH = 100

log = structlog.get_logger()


def train_job(
    claim: Claim, reporter: AttemptReporter, store: ArtifactStore, preparer: Preparer, engine: Engine
) -> Conclusion:
    """Train a job as its spec says, and return how the job ended, with its files.

    Raises:
        LeaseLost: the attempt no longer belongs to this process.
        MemoryError: the job needs more memory than there is.
        PreparationError: the rows cannot be prepared as the spec asks.
        StopTraining: the attempt is to end before the training does.
        StorageError: a file cannot be read, or cannot be written to the disk.

    """
    spec = claim.spec
    description = catalog.parse_description(claim.dataset)
    task = _load_task(claim, description)
    with (
        trace_span("preparation"),
        catalog.open_dataset_source(claim.dataset, store) as source,
        _open_test_dataset(claim, store) as test_dataset,
    ):
        data = preparer.prepare(spec, claim.dataset.sha256, description, source, task, reporter.check, test_dataset)
    check_lookups(spec, data, reporter.check)
    reporter.check()
    with trace_span("training", epochs=spec.training.epochs):
        outcome = _train_network(claim, reporter, store, engine, data)
    summary = _store_summary(outcome.network, store)
    if outcome.divergence is not None:
        reason = _build_divergence_reason(outcome.divergence, _find_hint(claim.warnings))
        return Conclusion(JobState.DIVERGED, reason, artifacts=[summary])
    with trace_span("evaluation"):
        evaluation = evaluate_network(outcome, data, spec.training.batch_size, reporter.check)
    reporter.check()
    with trace_span("publication"):
        artifacts = [summary, _store_preprocessing(data, store), _store_model(outcome.network, store)]
    reason = None if outcome.early_end is None else _build_early_end_reason(outcome.early_end, spec.training.epochs)
    return Conclusion(JobState.SUCCEEDED, reason, evaluation, artifacts, reporter.final_checkpoint)


@contextmanager
def _open_test_dataset(claim: Claim, store: ArtifactStore) -> Generator[DatasetRows | None]:
    """Yield the rows of the test dataset, readable within the block; None without one."""
    dataset = claim.test_dataset
    if dataset is None:
        yield None
        return
    with catalog.open_dataset_source(dataset, store) as source:
        yield DatasetRows(dataset.sha256, catalog.parse_description(dataset), source)


def _load_task(claim: Claim, description: DatasetDescription) -> Task:
    """Return the task that the check at submit found; a job of an earlier release is checked for it now."""
    if claim.task is None:
        return check_spec(claim.spec, description, UNLIMITED).task
    return Task.model_validate(claim.task)


def _train_network(
    claim: Claim, reporter: AttemptReporter, store: ArtifactStore, engine: Engine, data: PreparedData
) -> Outcome:
    """Train from the checkpoint if there is a usable one, otherwise from the beginning."""
    evaluated = count_evaluation_rows(data)
    try:
        start = _read_checkpoint(claim, store)
        reporter.mark_started()
        return engine.train(claim.spec, data, reporter, start, evaluation_rows=evaluated)
    except (CheckpointError, CorruptFile) as error:
        log.warning("checkpoint not used", action="checkpoint_unusable", error=str(error))
        reporter.discard_progress()
        return engine.train(claim.spec, data, reporter, evaluation_rows=evaluated)


def _read_checkpoint(claim: Claim, store: ArtifactStore) -> Snapshot | None:
    if claim.checkpoint is None:
        return None
    with store.verified_path(claim.checkpoint.sha256) as path:
        return checkpoint_file.read_checkpoint(path, job_id=claim.job_id, continued_from=claim.continued_from)


def _build_divergence_reason(divergence: Divergence, hint: str | None) -> dict[str, Any]:
    """Return the reason of a job that diverged; `hint` tells the user what to change."""
    layer = None if divergence.layer is None else asdict(divergence.layer)
    location = {"epoch": divergence.epoch, "step": divergence.step, "layer": layer}
    return lifecycle.build_reason("loss_not_finite", divergence.message, **location, hint=hint)


def _build_early_end_reason(end: EarlyEnd, epochs: int) -> dict[str, Any]:
    """Return the reason of a job that succeeded before its last epoch: what ended it, and which weights it kept."""
    code = "finished" if end.stopped_by is None else "early_stopping"
    cause = "A client finished" if end.stopped_by is None else f"EarlyStopping on {end.stopped_by} stopped"
    cut = " and a part of the next" if end.is_cut else ""
    kept = "the last epoch"
    if end.restored_by is not None:
        kept = f"epoch {end.weights_epoch + 1}, the best by {end.restored_by}"
    complete = end.epoch + (not end.is_cut)
    message = f"{cause} the training after {complete} of {epochs} epochs{cut}. The model has the weights of {kept}."
    return lifecycle.build_reason(code, message, epoch=end.epoch, weights_epoch=end.weights_epoch)


def _find_hint(warnings: Sequence[Mapping[str, Any]]) -> str | None:
    """Return the warning of the check that explains a divergence, if there is one."""
    hints = (
        f"{warning['message']}: {warning['fix']}." for warning in warnings if warning["code"] == "unscaled_features"
    )
    return next(hints, None)


def _store_summary(network: Any, store: ArtifactStore) -> StoredArtifact:
    lines: list[str] = []
    with _set_terminal_width(_SUMMARY_WIDTH):
        network.summary(line_length=_SUMMARY_WIDTH, print_fn=lines.append)
    content = "\n".join([*lines, ""]).encode()
    return _store_artifact("summary", "text/plain", content, store)


@contextmanager
def _set_terminal_width(columns: int) -> Generator[None]:
    """Set the width of the terminal, at which Keras cuts the table of a summary, whatever its length of lines is."""
    previous = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(columns)
    try:
        yield
    finally:
        if previous is None:
            del os.environ["COLUMNS"]
        else:
            os.environ["COLUMNS"] = previous


def _store_preprocessing(data: PreparedData, store: ArtifactStore) -> StoredArtifact:
    content = FittedTransforms(inputs=data.inputs, target=data.target).model_dump_json().encode()
    return _store_artifact("preprocessing", "application/json", content, store)


def _store_artifact(kind: str, media_type: str, content: bytes, store: ArtifactStore) -> StoredArtifact:
    with store.receive_file() as incoming:
        incoming.write(content)
        return StoredArtifact(kind, media_type, store.commit_file(incoming))


def _store_model(network: Any, store: ArtifactStore) -> StoredArtifact:
    with store.create_scratch_directory() as directory:
        path = directory / "model.keras"
        network.save(path)
        return StoredArtifact("model", "application/octet-stream", store.add_file(path))
