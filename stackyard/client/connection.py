"""Calls to a server, one method a route."""

import json
import math
import os
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, Self
from urllib.parse import quote

import httpx2
from pydantic import BaseModel

from stackyard.client.errors import ConnectionFailedError, WaitTimeoutError
from stackyard.client.events import parse as parse_events
from stackyard.client.transport import CHUNK, Transport, read, read_json
from stackyard.client.views import Dataset, Event, History, Job, Json, Predictions, Worker

if TYPE_CHECKING:
    from stackyard.spec import JobSpec  # takes a while to import, and most programs send plain documents

MEDIA_TYPES = {
    ".csv": "text/csv",
    ".parquet": "application/vnd.apache.parquet",
    ".npz": "application/x-npz",
}

PictureFormat = Literal["svg", "png"]

_FIRST_PAUSE = 0.05
_RETRY_PAUSE = 0.5


class Client:
    """A connection to a server. Use it with `with`, or call `close`.

    Every method may raise `ConnectionFailedError`, `ProblemError` or `BadAnswerError`.

    Args:
        url: where the server is, such as `http://127.0.0.1:8000`.
        token: what the server's STACKYARD_TOKEN is, if it has one.
        timeout: seconds to wait for the network at each step; not for a training.

    """

    def __init__(self, url: str, token: str | None = None, *, timeout: float = 60.0) -> None:
        self.url = url.rstrip("/")
        self._transport = Transport(self.url, token, timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    # Datasets

    def upload(self, source: str | os.PathLike[str] | BinaryIO, name: str, media_type: str | None = None) -> Dataset:
        """Upload a file as the newest version of a dataset; the same bytes again are no new version.

        Args:
            source: a path, or a file that is open for reading bytes.
            name: what specs call the dataset.
            media_type: by default what the path's suffix says (`.csv`, `.parquet`, `.npz`).

        Raises:
            ValueError: neither a media type is given nor a suffix that tells it.
            OSError: the file cannot be read.

        """
        if isinstance(source, str | os.PathLike):
            with Path(source).open("rb") as file:
                return self.upload(file, name, media_type or _media_type(Path(source)))
        if media_type is None:
            media_type = _media_type(Path(str(getattr(source, "name", ""))))
        answer = self._transport.call(
            "POST", "/v1/datasets", query={"name": name}, content=_chunks(source), media_type=media_type
        )
        return read(Dataset, answer)

    def datasets(self, *, limit: int = 100, **filters: str | int | None) -> Iterator[Dataset]:
        """Every dataset, newest first, fetched a page of `limit` at a time."""
        return self._transport.pages(Dataset, "/v1/datasets", {**filters, "limit": limit})

    def dataset(self, dataset_id: str) -> Dataset:
        """One version of a dataset."""
        return read(Dataset, self._transport.call("GET", f"/v1/datasets/{_segment(dataset_id)}"))

    def delete_dataset(self, dataset_id: str) -> None:
        """Delete one version of a dataset."""
        self._transport.call("DELETE", f"/v1/datasets/{_segment(dataset_id)}")

    # Jobs

    def check(self, spec: "Mapping[str, Any] | JobSpec") -> Json:
        """The compile report of a spec, without submitting it.

        Raises:
            ProblemError: the spec is wrong; `problem.errors` has every fault.

        """
        return read_json(self._transport.call("POST", "/v1/specs/check", body=_document(spec)))

    def import_keras(self, document: Mapping[str, Any] | str) -> Json:
        """A Keras model in the spec language: its `network`, `input_shape` and `training`, and what was `left_out`.

        Args:
            document: what `model.to_json()` gives, as it is or decoded.

        Raises:
            ProblemError: the language cannot say it; `problem.errors` names what, at pointers into the document.

        """
        body = document if isinstance(document, str) else _document(document)
        return read_json(self._transport.call("POST", "/v1/specs/import", body=body))

    def submit(self, spec: "Mapping[str, Any] | JobSpec", idempotency_key: str | None = None) -> Job:
        """Submit a job.

        Args:
            spec: the job, as a document or as `stackyard.spec.JobSpec`.
            idempotency_key: the same key with the same spec again gives the same job, not a second one.

        Raises:
            ProblemError: the spec is wrong; nothing was queued.

        """
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return read(Job, self._transport.call("POST", "/v1/jobs", body=_document(spec), headers=headers))

    def jobs(
        self,
        *,
        state: str | None = None,
        tag: str | None = None,
        name: str | None = None,
        dataset: str | None = None,
        limit: int = 100,
        **filters: str | int | None,
    ) -> Iterator[Job]:
        """Jobs that fit every filter, newest first, fetched a page of `limit` at a time."""
        query = {"state": state, "tag": tag, "name": name, "dataset": dataset, **filters, "limit": limit}
        return self._transport.pages(Job, "/v1/jobs", query)

    def job(self, job_id: str) -> Job:
        """A job as it is now."""
        return read(Job, self._transport.call("GET", _job(job_id)))

    def wait(
        self,
        job_id: str,
        *,
        poll: float = 0.5,
        timeout: float | None = None,
        patience: float = 30.0,
        on_update: Callable[[Job], None] | None = None,
    ) -> Job:
        """Wait for a job to end, however it ends; look at its `state`.

        Args:
            job_id: the job.
            poll: seconds between two looks, at most; the first follow each other faster.
            timeout: seconds after which to give up; None for never.
            patience: seconds for which the server may be away, as while it restarts.
            on_update: called with the job at the first look and whenever it has changed.

        Raises:
            WaitTimeoutError: the job has not ended in time.

        """
        begun = answered = time.monotonic()
        pause = min(_FIRST_PAUSE, poll)
        seen: Job | None = None
        while True:
            try:
                job = self.job(job_id)
                answered = time.monotonic()
            except ConnectionFailedError:
                if seen is None or time.monotonic() - answered > patience:
                    raise
                job = seen
            if job != seen and on_update is not None:
                on_update(job)
            seen = job
            if job.finished:
                return job
            if timeout is not None and time.monotonic() - begun > timeout:
                raise WaitTimeoutError(job_id, job.state, timeout)
            time.sleep(pause)
            pause = min(1.5 * pause, poll)

    def events(self, job_id: str, *, after: str | None = None, patience: float = 30.0) -> Iterator[Event]:
        """What happens to a job, as it happens, until it has ended or is deleted.

        A connection that is lost is made again, and nothing is missed.

        Args:
            job_id: the job.
            after: the id of an event after which to begin; from the job's beginning where None.
            patience: seconds for which the server may be away, as while it restarts.

        """
        route = f"{_job(job_id)}/events"
        lost, ended = -math.inf, False  # a server that never answered is not waited for
        while not ended:
            ended = True  # where nothing at all comes, there is nothing more to come
            try:
                for event in parse_events(self._transport.lines(route, {"Last-Event-ID": after} if after else {})):
                    lost, ended = math.inf, event is not None and event.last
                    if event is not None:
                        after = event.id or after
                        yield event
            except ConnectionFailedError:
                lost, ended = min(lost, time.monotonic()), False
                if time.monotonic() - lost > patience:
                    raise
                time.sleep(_RETRY_PAUSE)

    def change(
        self,
        job_id: str,
        *,
        name: str | None = None,
        tags: Sequence[str] | None = None,
        priority: int | None = None,
    ) -> Job:
        """Give a job another name, other tags or, while it has not ended, another priority; None leaves each as it is.

        Raises:
            ProblemError: it has ended, and its priority means nothing any more.

        """
        changes = {"name": name, "tags": None if tags is None else list(tags), "priority": priority}
        body = _document({member: value for member, value in changes.items() if value is not None})
        return read(Job, self._transport.call("PATCH", _job(job_id), body=body))

    def cancel(self, job_id: str) -> Job:
        """Ask for a job to be cancelled; it may run for a moment yet."""
        return read(Job, self._transport.call("POST", f"{_job(job_id)}/cancel"))

    def pause(self, job_id: str) -> Job:
        """Ask for a job to be put aside: at once if it waits, else once its worker has written a checkpoint."""
        return read(Job, self._transport.call("POST", f"{_job(job_id)}/pause"))

    def resume(self, job_id: str) -> Job:
        """Queue a paused job again, to go on from its checkpoint; or take back the wish to pause it."""
        return read(Job, self._transport.call("POST", f"{_job(job_id)}/resume"))

    def retry(self, job_id: str, idempotency_key: str | None = None) -> Job:
        """Submit a job that has ended once more: the same spec, seed and dataset.

        Args:
            job_id: the job.
            idempotency_key: the same key again gives the same job, not another one.

        Raises:
            ProblemError: it has not ended, or its dataset was deleted.

        """
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return read(Job, self._transport.call("POST", f"{_job(job_id)}/retry", headers=headers))

    def delete(self, job_id: str) -> None:
        """Delete a job, its history and its model, whatever state it is in."""
        self._transport.call("DELETE", _job(job_id))

    def history(self, job_id: str, *, from_epoch: int = 0, max_points: int | None = None) -> History:
        """The metrics of the epochs so far.

        Args:
            job_id: the job.
            from_epoch: the first epoch to tell, from 0.
            max_points: how many epochs at most; both ends and every metric's extremes are among them. At least 2 and
                3 for each metric.

        """
        query = {"from_epoch": from_epoch, "max_points": max_points}
        return read(History, self._transport.call("GET", f"{_job(job_id)}/history", query=query))

    def history_csv(self, job_id: str) -> str:
        """Every epoch's metrics so far, as CSV."""
        return self._transport.call("GET", f"{_job(job_id)}/history", headers={"Accept": "text/csv"}).text

    def curve(
        self,
        job_id: str,
        format: PictureFormat = "svg",  # noqa: A002  # as the route says it
        *,
        metrics: Iterable[str] = (),
        from_epoch: int = 0,
        theme: Literal["light", "dark"] = "light",
        scale: Literal["auto", "linear", "log"] = "auto",
        width: int | None = None,
        height: int | None = None,
    ) -> bytes:
        """A picture of the learning curves so far.

        Args:
            job_id: the job.
            format: of the picture.
            metrics: what to draw; the loss and the validation's where none is named.
            from_epoch: the first epoch to draw, from 0.
            theme: for a light or a dark page.
            scale: of the values; `auto` is logarithmic where they span two decades.
            width: of the picture, in pixels, of which a PNG has two for each; None for what is usual.
            height: likewise.

        Raises:
            ProblemError: a metric is none of the job's; the problem lists those.

        """
        query = {"metrics": ",".join(metrics), "from_epoch": from_epoch, "theme": theme, "scale": scale}
        query |= {"width": width, "height": height}
        return self._transport.call("GET", f"{_job(job_id)}/curve.{format}", query=query).content

    def evaluation_chart(
        self,
        job_id: str,
        format: PictureFormat = "svg",  # noqa: A002  # as the route says it
        *,
        column: str | None = None,
        theme: Literal["light", "dark"] = "light",
    ) -> bytes:
        """A picture of where the network errs: a confusion matrix, or the residuals of a target column.

        Raises:
            ProblemError: there is nothing to draw, and the problem says why.

        """
        query = {"column": column, "theme": theme}
        return self._transport.call("GET", f"{_job(job_id)}/evaluation.{format}", query=query).content

    def summary(self, job_id: str) -> str:
        """Keras's own summary of the network."""
        return self._transport.call("GET", f"{_job(job_id)}/summary", headers={"Accept": "text/plain"}).text

    def script(self, job_id: str) -> str:
        """A Python script of stock pandas, scikit-learn and Keras that does the same training."""
        return self._transport.call("GET", f"{_job(job_id)}/script", headers={"Accept": "text/x-python"}).text

    def download_model(self, job_id: str, path: str | os.PathLike[str]) -> Path:
        """Download the trained `.keras` file; the path gets the whole file or is left as it was.

        Raises:
            BadAnswerError: what arrived is not what the server meant to send.
            OSError: the file cannot be written.

        """
        path = Path(path)
        draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
        try:
            with draft.open("xb") as file:
                self._transport.receive(f"{_job(job_id)}/model", file)
            return draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise

    # Workers

    def workers(self, *, limit: int = 100) -> Iterator[Worker]:
        """Every worker that lives, and those lost within a day, the latest started first."""
        return self._transport.pages(Worker, "/v1/workers", {"limit": limit})

    def drain(self, worker_id: str) -> Worker:
        """Have a worker finish the jobs that it has and take no more."""
        return read(Worker, self._transport.call("POST", f"{_worker(worker_id)}/drain"))

    def undrain(self, worker_id: str) -> Worker:
        """Have a worker take jobs again."""
        return read(Worker, self._transport.call("DELETE", f"{_worker(worker_id)}/drain"))

    # Predictions

    def predict(self, job_id: str, rows: Sequence[Any] | bytes) -> Predictions:
        """What the job's network says of rows, in the target's own units and values.

        Args:
            job_id: a job that has succeeded.
            rows: objects by the names of the dataset's columns, or nested lists where it learnt from arrays; or all of
                a CSV file with a header.

        Raises:
            ProblemError: the rows are wrong, and `problem.errors` has every fault; or the job has no model.

        """
        return read(Predictions, self._predict(job_id, rows, "application/json"))

    def predict_csv(self, job_id: str, rows: Sequence[Any] | bytes) -> str:
        """The same as CSV: what is predicted, and a score for each class."""
        return self._predict(job_id, rows, "text/csv").text

    def _predict(self, job_id: str, rows: Sequence[Any] | bytes, accept: str) -> httpx2.Response:
        route, headers = f"{_job(job_id)}/predict", {"Accept": accept}
        if isinstance(rows, bytes):
            return self._transport.call("POST", route, headers=headers, content=iter([rows]), media_type="text/csv")
        return self._transport.call("POST", route, headers=headers, body=_document({"rows": rows}))


def _document(spec: "Mapping[str, Any] | JobSpec") -> str:
    if isinstance(spec, BaseModel):
        return spec.model_dump_json(by_alias=True, exclude_unset=True)
    return json.dumps(spec, allow_nan=False)


def _chunks(file: BinaryIO) -> Iterator[bytes]:
    while chunk := file.read(CHUNK):
        yield chunk


def _media_type(path: Path) -> str:
    try:
        return MEDIA_TYPES[path.suffix.lower()]
    except KeyError:
        known = ", ".join(MEDIA_TYPES)
        raise ValueError(f"The suffix of {path.name or 'this file'} is none of {known}; give media_type.") from None


def _job(job_id: str) -> str:
    return f"/v1/jobs/{_segment(job_id)}"


def _worker(worker_id: str) -> str:
    return f"/v1/workers/{_segment(worker_id)}"


def _segment(text: str) -> str:
    """An id as one segment of a path, whatever it contains."""
    return quote(text, safe="")
