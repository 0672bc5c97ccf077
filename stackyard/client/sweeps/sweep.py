"""A sweep, with methods that follow and control it."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Self
from urllib.parse import quote

from pydantic import PrivateAttr

from stackyard.client.errors import TrialFailedError, WaitTimeoutError
from stackyard.client.polling import poll_until
from stackyard.client.request_encoding import encode_document
from stackyard.client.sweeps.views import BestTrial, SweepStatistics, SweepView, Trial, TrialTable
from stackyard.client.transport import Transport, parse_view

SWEEPS_ROUTE = "/v1/sweeps"


@dataclass
class _Connection:
    """The transport of the client that loaded a sweep. It makes no sweep differ from another, and is not pickled."""

    transport: Transport | None = field(default=None, compare=False)

    def __reduce__(self) -> tuple[type[Self], tuple[()]]:
        return type(self), ()


class Sweep(SweepView):
    """A sweep as it was when the server answered. Its methods ask the server for what is true now.

    A list leaves out `spec`, `rungs` and `rerun_trials`. `ending` says why a running sweep is about to end.
    `best_value` is the best value at the time of the answer.

    Every method may raise `ConnectionFailedError`, `ProblemError` or `BadAnswerError`; and RuntimeError if no client
    has returned this sweep, or if it was pickled.
    """

    _connection: _Connection = PrivateAttr(default_factory=_Connection)

    def connect(self, transport: Transport) -> Self:
        """Let the methods of this sweep use a client's transport. A client connects the sweeps that it returns."""
        self._connection.transport = transport
        return self

    @property
    def best(self) -> BestTrial:
        """The best complete trial now, with its parameters and the job of its best repeat.

        Raises:
            ProblemError: no trial is complete yet.

        """
        return parse_view(BestTrial, self._transport.send_request("GET", f"{self._route}/best"))

    def reload(self) -> "Sweep":
        """Return the sweep as it is now."""
        return self._request_sweep("GET")

    def wait(
        self,
        *,
        progress: bool = False,
        poll: float = 0.5,
        timeout: float | None = None,
        patience: float = 30.0,
        on_update: "Callable[[Sweep], None] | None" = None,
    ) -> "Sweep":
        """Wait until the sweep has ended, and return it. Its `state` says how it ended.

        Args:
            progress: show the trials that have ended and the best value, in a terminal and in a notebook.
            poll: the longest time between two requests, in seconds; the first requests follow faster.
            timeout: seconds after which to give up; None for never.
            patience: seconds for which the server may be unreachable, as while it restarts.
            on_update: called with the sweep after the first request and whenever it has changed.

        Raises:
            WaitTimeoutError: the sweep has not ended in time. It is not cancelled.

        """
        if progress:
            from stackyard.client.display.progress import open_progress  # noqa: PLC0415  # Rich is slow to import
            from stackyard.client.sweeps.display import show_progress_bar  # noqa: PLC0415

            with open_progress(show_progress_bar) as show_sweep:
                update = _call_both(show_sweep, on_update)
                return self.wait(poll=poll, timeout=timeout, patience=patience, on_update=update)
        sweep, has_ended = poll_until(
            self.reload,
            lambda sweep: sweep.finished,
            poll=poll,
            patience=patience,
            timeout=timeout,
            on_update=on_update,
        )
        if not has_ended:
            raise WaitTimeoutError(self.id, sweep.state, timeout or 0, kind="Sweep")
        return sweep

    def trials(
        self, *, state: str | Sequence[str] | None = None, sort: Literal["value", "number"] = "value", limit: int = 100
    ) -> Iterator[Trial]:
        """Iterate over the trials, the best first or by number. They are fetched in pages of `limit`."""
        query = {"state": state, "sort": sort, "limit": limit}
        return self._transport.iterate_items(Trial, f"{self._route}/trials", query)

    def trial(self, number: int) -> Trial:
        """Return a trial as it is now."""
        return parse_view(Trial, self._transport.send_request("GET", f"{self._route}/trials/{number}"))

    def results(self) -> Any:
        """Return all trials with their parameters, states and values.

        The result is a pandas `DataFrame` with a row for each trial, or a dictionary of columns where pandas is not
        installed.
        """
        table = parse_view(TrialTable, self._transport.send_request("GET", f"{self._route}/table"))
        try:
            return table.to_frame()
        except ImportError:
            return table.to_columns()

    def results_csv(self) -> str:
        """Return all trials as CSV, with a row for each trial."""
        headers = {"Accept": "text/csv"}
        return self._transport.send_request("GET", f"{self._route}/table", headers=headers).text

    def statistics(self, *, limit: int = 50) -> SweepStatistics:
        """Return the ranking of complete trials with intervals, importances, the course of the search, and its cost.

        Args:
            limit: the number of trials in the ranking.

        """
        answer = self._transport.send_request("GET", f"{self._route}/results", query={"limit": limit})
        return parse_view(SweepStatistics, answer)

    def change(self, **changes: Any) -> "Sweep":
        """Change `name`, `tags`, `priority`, `budget` or `max_concurrent`. What is not given stays.

        Raises:
            ProblemError: the sweep has ended, and a change is none of its name and its tags.

        """
        return self._request_sweep("PATCH", body=encode_document(changes))

    def cancel(self) -> "Sweep":
        """Cancel the sweep and its jobs. Running jobs may take a moment to stop."""
        return self._request_sweep("POST", "/cancel")

    def finish(self) -> "Sweep":
        """End the search: no more trials start, and the sweep succeeds when those that have started have ended."""
        return self._request_sweep("POST", "/finish")

    def pause(self) -> "Sweep":
        """Pause the sweep and its jobs: waiting jobs at once, running ones after their next checkpoint."""
        return self._request_sweep("POST", "/pause")

    def resume(self) -> "Sweep":
        """Let a paused sweep and its jobs go on."""
        return self._request_sweep("POST", "/resume")

    def delete(self, *, keep_jobs: bool = False) -> None:
        """Delete the sweep with its trials and its jobs, or without those of its jobs that have ended."""
        query = {"keep_jobs": "true" if keep_jobs else "false"}
        self._transport.send_request("DELETE", self._route, query=query)

    def add_trial(self, parameters: Mapping[str, Any]) -> Trial:
        """Let the server train a trial with these parameters, as in an `external` search.

        Args:
            parameters: values by their JSON pointers into the base.

        Returns:
            The trial, which waits. `wait_for_trial` waits for its value.

        Raises:
            ProblemError: the parameters are not valid, or the sweep takes no trial now.

        """
        return self._post_trial({"parameters": dict(parameters)})

    def tell(self, trial: int | Mapping[str, Any], value: float) -> Trial:
        """Tell the value of a trial that the client has computed.

        Args:
            trial: the number of a complete trial of an `external` sweep, whose value is replaced; or the parameters of
                a new trial, which the client has evaluated elsewhere and for which no job runs.
            value: the value of the objective.

        Raises:
            ProblemError: the sweep or the trial takes no value.

        """
        if not isinstance(trial, int):
            return self._post_trial({"parameters": dict(trial), "value": value})
        route, body = f"{self._route}/trials/{trial}/value", encode_document({"value": value})
        return parse_view(Trial, self._transport.send_request("POST", route, body=body))

    def wait_for_trial(
        self, number: int, *, poll: float = 0.5, timeout: float | None = None, patience: float = 30.0
    ) -> Trial:
        """Wait until a trial has ended, and return it. The arguments are those of `wait`.

        Raises:
            WaitTimeoutError: the trial has not ended in time.

        """
        trial, has_ended = poll_until(
            lambda: self.trial(number), lambda trial: trial.ended, poll=poll, patience=patience, timeout=timeout
        )
        if not has_ended:
            raise WaitTimeoutError(f"{number} of sweep {self.id}", trial.state, timeout or 0, kind="Trial")
        return trial

    def evaluate(self, parameters: Mapping[str, Any], *, timeout: float | None = None) -> float:
        """Let the server train a trial, wait for it, and return its value: the objective of an external search.

        Of a trial that diverged, it is infinite: the worst value.

        Args:
            parameters: values by their JSON pointers into the base.
            timeout: seconds after which to give up; None for never.

        Raises:
            TrialFailedError: the trial has ended without a value.
            WaitTimeoutError: the trial has not ended in time.
            ProblemError: the parameters are not valid, or the sweep takes no trial now.

        """
        trial = self.wait_for_trial(self.add_trial(parameters).number, timeout=timeout)
        if trial.state == "diverged":
            return math.inf if self.objective.mode == "min" else -math.inf
        if trial.state != "complete" or trial.value is None:
            raise TrialFailedError(trial.number, trial.state, trial.reason.message if trial.reason else "")
        return trial.value

    @property
    def _transport(self) -> Transport:
        if self._connection.transport is None:
            raise RuntimeError("This sweep has no client. Load it with Client.get_sweep.")
        return self._connection.transport

    @property
    def _route(self) -> str:
        return build_sweep_route(self.id)

    def _request_sweep(self, method: str, path: str = "", body: str | None = None) -> "Sweep":
        answer = self._transport.send_request(method, f"{self._route}{path}", body=body)
        return parse_view(Sweep, answer).connect(self._transport)

    def _post_trial(self, document: Mapping[str, Any]) -> Trial:
        body = encode_document(document)
        return parse_view(Trial, self._transport.send_request("POST", f"{self._route}/trials", body=body))

    def _repr_html_(self) -> str:
        """Return HTML for a notebook: the state, the numbers of trials, and the best value."""
        from stackyard.client.sweeps.display import render_sweep  # noqa: PLC0415  # only notebooks need it

        return render_sweep(self)


def build_sweep_route(sweep_id: str) -> str:
    """Return the route of a sweep."""
    return f"{SWEEPS_ROUTE}/{quote(sweep_id, safe='')}"


def _call_both(first: Callable[[Sweep], None], second: Callable[[Sweep], None] | None) -> Callable[[Sweep], None]:
    def call(sweep: Sweep) -> None:
        first(sweep)
        if second is not None:
            second(sweep)

    return call
