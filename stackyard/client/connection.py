"""The client, with one method for each route of the HTTP API."""

import math
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import islice
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, Self, TypedDict, Unpack

import httpx2

from stackyard.client.comparison import Comparison, JobActionResult, JobActionResults
from stackyard.client.dataset_methods import DatasetMethods
from stackyard.client.errors import ConnectionFailedError, StackyardError, WaitTimeoutError
from stackyard.client.events import parse_events
from stackyard.client.polling import poll_until
from stackyard.client.references import MAX_CANDIDATES, is_complete_id, iterate_matches, select_single_match
from stackyard.client.request_encoding import (
    build_job_route,
    build_worker_route,
    encode_document,
)
from stackyard.client.result_methods import ResultMethods
from stackyard.client.sweeps.methods import SweepMethods
from stackyard.client.team.methods import TeamMethods
from stackyard.client.transport import Query, Transport, parse_json_object, parse_view
from stackyard.client.views import Event, Job, Json, Worker

if TYPE_CHECKING:
    from stackyard.spec import JobSpec  # slow to import, and most programs send plain documents

JobAction = Literal["cancel", "pause", "resume", "finish", "retry", "delete", "tag"]
"""What `Client.act_on_jobs` does to jobs."""

_RETRY_DELAY_S = 0.5
_MAX_IDS = 200  # of one request
_DISPLAY_TIMEOUT_S = 3.0
_DISPLAY_POINTS = 300
_DISPLAY_JOBS = 10


class _WaitOptions(TypedDict):
    """The options of `Client.wait` that a progress bar leaves unchanged."""

    poll: float
    timeout: float | None
    patience: float


class Client(DatasetMethods, ResultMethods, SweepMethods, TeamMethods):
    """A connection to a server. Use it with `with`, or call `close`.

    Every method may raise `ConnectionFailedError`, `ProblemError` or `BadAnswerError`.

    Args:
        url: the server's URL, such as `http://127.0.0.1:8000`.
        token: the token of a user, or the server's STACKYARD_TOKEN; None without one.
        timeout: seconds to wait for each network operation; it does not limit a training.
        project: the id or the name of the project in which jobs, datasets and sweeps are created, and names of
            datasets are looked up. None is the first project of the user. Lists show all projects.

    """

    def __init__(
        self, url: str, token: str | None = None, *, timeout: float = 60.0, project: str | None = None
    ) -> None:
        self.url = url.rstrip("/")
        self._token, self._project = token, project
        self._transport = Transport(self.url, token, timeout, project)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    # Jobs

    def check(self, spec: "Mapping[str, Any] | JobSpec") -> Json:
        """Return the report on a spec, without submitting it.

        Raises:
            ProblemError: the spec is invalid; `problem.errors` has every fault.

        """
        return parse_json_object(self._transport.send_request("POST", "/v1/specs/check", body=encode_document(spec)))

    def import_keras(self, document: Mapping[str, Any] | str) -> Json:
        """Translate a Keras model into the spec language.

        The answer has `network`, `input_shape` and `training`, and lists in `left_out` what a spec cannot contain.

        Args:
            document: the output of `model.to_json()`, as a string or decoded.

        Raises:
            ProblemError: the model cannot be expressed; `problem.errors` says where, with pointers into the document.

        """
        body = document if isinstance(document, str) else encode_document(document)
        return parse_json_object(self._transport.send_request("POST", "/v1/specs/import", body=body))

    def submit(self, spec: "Mapping[str, Any] | JobSpec", idempotency_key: str | None = None) -> Job:
        """Submit a job.

        Args:
            spec: the job, as a document or as `stackyard.spec.JobSpec`.
            idempotency_key: a repeat with the same key and spec returns the same job, not a second one.

        Raises:
            ProblemError: the spec is invalid; no job was queued.

        """
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return self._parse_job(
            self._transport.send_request("POST", "/v1/jobs", body=encode_document(spec), headers=headers)
        )

    def jobs(
        self,
        *,
        state: str | None = None,
        tag: str | None = None,
        name: str | None = None,
        dataset: str | None = None,
        q: str | None = None,
        sort: str | None = None,
        order: Literal["asc", "desc"] | None = None,
        sparkline: str | None = None,
        owner: str | None = None,
        project: str | None = None,
        limit: int = 100,
        **filters: str | int | None,
    ) -> Iterator[Job]:
        """Iterate over the jobs that match every filter. They are fetched in pages of `limit`.

        Args:
            state: the state of the jobs.
            tag: a tag of the jobs.
            name: the name of the jobs.
            dataset: the dataset that the jobs read.
            q: a part of the name, of a tag or of the dataset's name, in any case of letters.
            sort: `created_at`, `started_at`, `finished_at`, `duration`, `name`, `state`, `dataset`, `priority`,
                `metrics.NAME.best` or `metrics.NAME.last`. Jobs without the value come last in both orders.
            order: by default `desc`, the newest or the greatest first.
            sparkline: a metric, of which each job's `sparkline` gets up to 40 values.
            owner: the name or the id of the user who submitted the jobs; `me` for your own.
            project: the name or the id of the project of the jobs.
            limit: the number of jobs in a page.
            filters: further parameters of the route, such as `created_after`.

        """
        query = {"state": state, "tag": tag, "name": name, "dataset": dataset, "q": q, "sort": sort, "order": order}
        query |= {"sparkline": sparkline, "owner": owner, "project": project, **filters, "limit": limit}
        return (job.connect(self) for job in self._transport.iterate_items(Job, "/v1/jobs", query))

    def count_jobs(self, **filters: str | int | None) -> dict[str, int]:
        """Return the number of jobs in each state. The filters are those of `jobs`."""
        return parse_json_object(self._transport.send_request("GET", "/v1/jobs/counts", query=filters))

    def job(self, job_id: str) -> Job:
        """Return the current state of a job."""
        return self._parse_job(self._transport.send_request("GET", build_job_route(job_id)))

    def job_spec(self, job_id: str) -> Json:
        """Return the spec of a job: `spec` with every default and the seed, and `as_sent` as the client sent it.

        `as_sent` is None if the client sent every value, or if an earlier release of the server received the job.
        """
        return parse_json_object(self._transport.send_request("GET", f"{build_job_route(job_id)}/spec"))

    def find_job(self, reference: str) -> Job:
        """Return the job with this id, with an id that starts so, or with this name.

        Raises:
            NoSingleMatchError: there is no such job, or several.

        """
        return self.job(self.find_job_id(reference))

    def find_job_id(self, reference: str) -> str:
        """Return the id of the job that `find_job` returns. A complete id is returned without a request.

        Raises:
            NoSingleMatchError: there is no such job, or several.

        """
        if is_complete_id(reference):
            return reference
        matches = iterate_matches(
            reference,
            lambda name: self.jobs(name=name, limit=MAX_CANDIDATES),
            lambda prefix: self.jobs(id_prefix=prefix, limit=MAX_CANDIDATES),
        )
        return select_single_match(
            "job", reference, matches, lambda job: f"{job.created_at:%Y-%m-%d %H:%M}  {job.state}  {job.name or ''}"
        ).id

    def wait(
        self,
        job_id: str,
        *,
        poll: float = 0.5,
        timeout: float | None = None,
        patience: float = 30.0,
        on_update: Callable[[Job], None] | None = None,
        progress: bool = False,
    ) -> Job:
        """Wait until a job has ended or has paused at its `until_epoch`, and return it. Its `state` says which.

        Args:
            job_id: the job.
            poll: the longest time between two requests, in seconds; the first requests follow faster.
            timeout: seconds after which to give up; None for never.
            patience: seconds for which the server may be unreachable, as while it restarts.
            on_update: called with the job after the first request and whenever the job has changed.
            progress: show a bar with the epochs and the metrics, in a terminal and in a notebook.

        Raises:
            WaitTimeoutError: the job has not ended in time.

        """
        if progress:
            return self._wait_with_progress(job_id, on_update, poll=poll, timeout=timeout, patience=patience)
        job, has_ended = poll_until(
            lambda: self.job(job_id),
            lambda job: job.finished or job.is_held,
            poll=poll,
            patience=patience,
            timeout=timeout,
            on_update=on_update,
        )
        if not has_ended:
            raise WaitTimeoutError(job_id, job.state, timeout or 0)
        return job

    def _wait_with_progress(
        self, job_id: str, on_update: Callable[[Job], None] | None, **options: Unpack[_WaitOptions]
    ) -> Job:
        from stackyard.client.display.progress import open_progress  # noqa: PLC0415  # Rich is slow to import
        from stackyard.client.display.terminal_progress import show_progress_bar  # noqa: PLC0415

        def show_update(job: Job) -> None:
            show_job(job)
            if on_update is not None:
                on_update(job)

        with open_progress(show_progress_bar) as show_job:
            return self.wait(job_id, on_update=show_update, **options)

    def events(self, job_id: str, *, after: str | None = None, patience: float = 30.0) -> Iterator[Event]:
        """Iterate over a job's events as they happen, until the job has ended or is deleted.

        A lost connection is opened again, and continues after the last event, so that none is missed.

        Args:
            job_id: the job.
            after: the id of the event after which to start; None starts with the first event.
            patience: seconds for which the server may be unreachable, as while it restarts.

        """
        route = f"{build_job_route(job_id)}/events"
        lost_at, has_ended = -math.inf, False  # -inf: do not wait for a server that has never answered
        while not has_ended:
            has_ended = True  # an empty answer means that no more events will come
            try:
                headers = {"Last-Event-ID": after} if after else {}
                for event in parse_events(self._transport.stream_lines(route, headers)):
                    lost_at, has_ended = math.inf, event is not None and event.last
                    if event is not None:
                        after = event.id or after
                        yield event
            except ConnectionFailedError:
                lost_at, has_ended = min(lost_at, time.monotonic()), False
                if time.monotonic() - lost_at > patience:
                    raise
                time.sleep(_RETRY_DELAY_S)

    def change(
        self,
        job_id: str,
        *,
        name: str | None = None,
        tags: Sequence[str] | None = None,
        priority: int | None = None,
        until_epoch: int | None = None,
    ) -> Job:
        """Change a job's name, tags, priority or `until_epoch`. None leaves a value unchanged.

        A job that has paused at its `until_epoch` is queued again if the new number is higher.

        Raises:
            ProblemError: the job has ended, so that its priority and its `until_epoch` cannot change.

        """
        changes = {
            "name": name,
            "tags": None if tags is None else list(tags),
            "priority": priority,
            "until_epoch": until_epoch,
        }
        body = encode_document({name: value for name, value in changes.items() if value is not None})
        return self._parse_job(self._transport.send_request("PATCH", build_job_route(job_id), body=body))

    def cancel(self, job_id: str) -> Job:
        """Request the cancellation of a job. A running job may take a moment to stop."""
        return self._parse_job(self._transport.send_request("POST", f"{build_job_route(job_id)}/cancel"))

    def pause(self, job_id: str) -> Job:
        """Request a pause: a queued job pauses at once, a running one once its worker has written a checkpoint."""
        return self._parse_job(self._transport.send_request("POST", f"{build_job_route(job_id)}/pause"))

    def resume(self, job_id: str, *, until_epoch: int | None = None) -> Job:
        """Queue a paused job again, to continue from its checkpoint; or withdraw a requested pause.

        Args:
            job_id: the job.
            until_epoch: the number of epochs after which the job pauses again. Without it, a job that has paused at
                its `until_epoch` trains to its end.

        """
        body = None if until_epoch is None else encode_document({"until_epoch": until_epoch})
        return self._parse_job(self._transport.send_request("POST", f"{build_job_route(job_id)}/resume", body=body))

    def finish(self, job_id: str) -> Job:
        """Request the end of the training now. The job keeps its model, is evaluated and succeeds.

        A running job takes a moment to stop. A paused job is queued to finish from its checkpoint.

        Raises:
            ProblemError: the job has not trained yet, is being cancelled, or has ended.

        """
        return self._parse_job(self._transport.send_request("POST", f"{build_job_route(job_id)}/finish"))

    def retry(self, job_id: str, idempotency_key: str | None = None) -> Job:
        """Submit a finished job again, with the same spec, seed and dataset.

        Args:
            job_id: the job.
            idempotency_key: a repeat with the same key returns the same job, not a second one.

        Raises:
            ProblemError: the job has not ended, or its dataset was deleted.

        """
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return self._parse_job(
            self._transport.send_request("POST", f"{build_job_route(job_id)}/retry", headers=headers)
        )

    def continue_training(self, job_id: str, epochs: int, idempotency_key: str | None = None) -> Job:
        """Train a succeeded job further in a new job, and return the new job.

        Its history and its model equal those of an uninterrupted training of so many epochs.

        Args:
            job_id: the job that has succeeded.
            epochs: the number of epochs in all, with those of the first job.
            idempotency_key: a repeat with the same key returns the same job, not a second one.

        Raises:
            ProblemError: the job has not succeeded, keeps no checkpoint, or has trained so many epochs already.

        """
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        route, body = f"{build_job_route(job_id)}/continue", encode_document({"epochs": epochs})
        return self._parse_job(self._transport.send_request("POST", route, body=body, headers=headers))

    def delete(self, job_id: str) -> None:
        """Delete a job, its history and its model, in whatever state the job is."""
        self._transport.send_request("DELETE", build_job_route(job_id))

    def act_on_jobs(
        self,
        action: JobAction,
        job_ids: Iterable[str],
        *,
        add_tags: Sequence[str] = (),
        remove_tags: Sequence[str] = (),
        idempotency_key: str | None = None,
    ) -> list[JobActionResult]:
        """Do one thing to many jobs. A job that refuses holds up no other.

        Args:
            action: what to do.
            job_ids: the jobs. They are sent in requests of at most 200.
            add_tags: tags to add, for the action `tag`.
            remove_tags: tags to remove, for the action `tag`.
            idempotency_key: a repeat with the same key retries no job twice.

        Returns:
            One result for each job: the job afterwards, or the problem.

        """
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        tags = {"add_tags": list(add_tags), "remove_tags": list(remove_tags)} if action == "tag" else {}
        remaining = iter(dict.fromkeys(job_ids))
        results: list[JobActionResult] = []
        while ids := list(islice(remaining, _MAX_IDS)):
            body = encode_document({"action": action, "ids": ids, **tags})
            answer = self._transport.send_request("POST", "/v1/jobs/actions", headers=headers, body=body)
            results += parse_view(JobActionResults, answer).results
        for result in results:
            if result.job is not None:
                result.job.connect(self)
        return results

    def compare(self, jobs: Iterable[str | Job], *, max_points: int = 500) -> Comparison:
        """Compare 2 to 50 jobs: their metrics, their histories, and the places at which their specs differ.

        Args:
            jobs: ids of jobs, or jobs; each once.
            max_points: the largest number of epochs of each history: at least 2, plus 3 for each metric.

        Raises:
            ProblemError: the number of jobs is another one, or there is no such job.

        """
        ids = [job.id if isinstance(job, Job) else job for job in jobs]
        query: Query = {"job": ids, "max_points": max_points}
        comparison = parse_view(Comparison, self._transport.send_request("GET", "/v1/compare", query=query))
        for job in comparison.jobs:
            job.connect(self)
        return comparison

    # Workers

    def workers(self, *, limit: int = 100) -> Iterator[Worker]:
        """Iterate over the live workers and those lost within a day, the latest started first."""
        return self._transport.iterate_items(Worker, "/v1/workers", {"limit": limit})

    def drain(self, worker_id: str) -> Worker:
        """Let a worker finish its current jobs and take no new ones."""
        return parse_view(Worker, self._transport.send_request("POST", f"{build_worker_route(worker_id)}/drain"))

    def undrain(self, worker_id: str) -> Worker:
        """Let a worker take jobs again."""
        return parse_view(Worker, self._transport.send_request("DELETE", f"{build_worker_route(worker_id)}/drain"))

    # Notebooks

    def render_job(self, job: Job) -> str:
        """Return HTML that shows a job with its learning curve; without the curve if the server does not answer."""
        from stackyard.client.display import html  # noqa: PLC0415  # only notebooks need it

        try:
            with self._connect_for_display() as client:
                history = client.history(job.id, max_points=_DISPLAY_POINTS)
        except StackyardError:
            history = None
        return html.render_job(job, history, f"{self.url}/jobs/{job.id}")

    def _repr_html_(self) -> str:
        """Return HTML for a notebook: the server's address and its newest jobs, or why it does not answer."""
        from stackyard.client.display import html  # noqa: PLC0415  # only notebooks need it

        try:
            with self._connect_for_display() as client:
                jobs = list(islice(client.jobs(limit=_DISPLAY_JOBS, sparkline="loss"), _DISPLAY_JOBS))
                counts = client.count_jobs()
        except StackyardError as error:
            return html.render_failure(self.url, str(error))
        return html.render_jobs(self.url, jobs, counts)

    def _connect_for_display(self) -> "Client":
        """Return another connection, which does not let a notebook wait for long."""
        return Client(self.url, self._token, timeout=_DISPLAY_TIMEOUT_S, project=self._project)

    def _parse_job(self, answer: httpx2.Response) -> Job:
        return parse_view(Job, answer).connect(self)
