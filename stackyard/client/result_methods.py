"""The methods of the client that load what a job has trained: histories, pictures, files and predictions."""

import os
import uuid
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Literal

import httpx2

from stackyard.client.notebook_values import DataFrame, SupportsToList, encode_rows
from stackyard.client.request_encoding import build_job_route
from stackyard.client.transport import Transport, parse_view
from stackyard.client.views import History, Predictions

PictureFormat = Literal["svg", "png"]
Rows = Sequence[Any] | DataFrame | SupportsToList | bytes
"""Rows to predict: objects or nested lists, a pandas data frame, a NumPy array, or the bytes of a CSV file."""


class ResultMethods:
    """The results of the jobs of a server. `Client` has these methods."""

    _transport: Transport

    def history(self, job_id: str, *, from_epoch: int = 0, max_points: int | None = None) -> History:
        """Return the metrics of the epochs so far.

        Args:
            job_id: the job.
            from_epoch: the first epoch to return, from 0.
            max_points: the largest number of epochs to return: at least 2, plus 3 for each metric. The first and the
                last epoch and every metric's extremes are kept.

        """
        query = {"from_epoch": from_epoch, "max_points": max_points}
        return parse_view(
            History, self._transport.send_request("GET", f"{build_job_route(job_id)}/history", query=query)
        )

    def history_csv(self, job_id: str) -> str:
        """Return every epoch's metrics so far, as CSV."""
        return self._transport.send_request(
            "GET", f"{build_job_route(job_id)}/history", headers={"Accept": "text/csv"}
        ).text

    def curve(
        self,
        job_id: str,
        format: PictureFormat = "svg",  # noqa: A002  # the route's own name
        *,
        metrics: Iterable[str] = (),
        from_epoch: int = 0,
        theme: Literal["light", "dark"] = "light",
        scale: Literal["auto", "linear", "log"] = "auto",
        width: int | None = None,
        height: int | None = None,
    ) -> bytes:
        """Return a picture of the learning curves so far.

        Args:
            job_id: the job.
            format: of the picture.
            metrics: the metrics to draw; by default the loss and the validation loss.
            from_epoch: the first epoch to draw, from 0.
            theme: for a light or a dark page.
            scale: of the values; `auto` is logarithmic if they span two decades.
            width: of the picture, in CSS pixels; a PNG has two pixels for each. None for the default.
            height: of the picture, in CSS pixels; None for the default.

        Raises:
            ProblemError: the job has no such metric; the problem lists its metrics.

        """
        query = {"metrics": ",".join(metrics), "from_epoch": from_epoch, "theme": theme, "scale": scale}
        query |= {"width": width, "height": height}
        return self._transport.send_request("GET", f"{build_job_route(job_id)}/curve.{format}", query=query).content

    def evaluation_chart(
        self,
        job_id: str,
        format: PictureFormat = "svg",  # noqa: A002  # the route's own name
        *,
        column: str | None = None,
        theme: Literal["light", "dark"] = "light",
    ) -> bytes:
        """Return a picture of the evaluation: a confusion matrix, or the residuals of a target column.

        Raises:
            ProblemError: there is nothing to draw; the problem says why.

        """
        query = {"column": column, "theme": theme}
        return self._transport.send_request(
            "GET", f"{build_job_route(job_id)}/evaluation.{format}", query=query
        ).content

    def summary(self, job_id: str) -> str:
        """Return the output of `model.summary()`."""
        return self._transport.send_request(
            "GET", f"{build_job_route(job_id)}/summary", headers={"Accept": "text/plain"}
        ).text

    def script(self, job_id: str) -> str:
        """Return a Python script that runs the same training with stock pandas, scikit-learn and Keras."""
        return self._transport.send_request(
            "GET", f"{build_job_route(job_id)}/script", headers={"Accept": "text/x-python"}
        ).text

    def download_model(self, job_id: str, path: str | os.PathLike[str]) -> Path:
        """Download the trained `.keras` file. The path gets the whole file, or stays as it was.

        Raises:
            BadAnswerError: the file arrived damaged.
            OSError: the file cannot be written.

        """
        path = Path(path)
        draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
        try:
            with draft.open("xb") as file:
                self._transport.download_file(f"{build_job_route(job_id)}/model", file)
            return draft.replace(path)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise

    def predict(self, job_id: str, rows: Rows) -> Predictions:
        """Predict rows with the job's network, in the units and values of the target.

        Args:
            job_id: a job that has succeeded.
            rows: a pandas data frame; objects with the names of the dataset's columns; nested lists or an array if
                the dataset has arrays; or the bytes of a CSV file with a header. NaN, as in a data frame, is a missing
                value.

        Raises:
            ProblemError: the rows are invalid, and `problem.errors` has every fault; or the job has no model.

        """
        return parse_view(Predictions, self._request_prediction(job_id, rows, "application/json"))

    def predict_csv(self, job_id: str, rows: Rows) -> str:
        """Predict rows, and return the predictions as CSV with a score for each class."""
        return self._request_prediction(job_id, rows, "text/csv").text

    def _request_prediction(self, job_id: str, rows: Rows, accept: str) -> httpx2.Response:
        route, headers = f"{build_job_route(job_id)}/predict", {"Accept": accept}
        if isinstance(rows, bytes):
            return self._transport.send_request(
                "POST", route, headers=headers, content=iter([rows]), media_type="text/csv"
            )
        return self._transport.send_request("POST", route, headers=headers, body=encode_rows(rows))
