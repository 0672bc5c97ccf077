"""The Python client of a Stackyard server.

Example:
    >>> with Client("http://127.0.0.1:8000") as stackyard:
    ...     stackyard.upload("wine.csv", name="wine")
    ...     job = stackyard.wait(stackyard.submit(spec).id)
    ...     stackyard.download_model(job.id, "wine.keras")

"""

from stackyard.client.connection import Client
from stackyard.client.errors import (
    BadAnswerError,
    ConnectionFailedError,
    NoSingleMatchError,
    ProblemError,
    StackyardError,
    WaitTimeoutError,
)
from stackyard.client.request_encoding import CsvOptions
from stackyard.client.views import (
    Advice,
    Ahead,
    Checkpoint,
    Confusion,
    Dataset,
    DatasetReference,
    Evaluation,
    Event,
    Fault,
    Histogram,
    History,
    Job,
    Metric,
    Predictions,
    ProblemDocument,
    Progress,
    RanOn,
    Reason,
    Residuals,
    Transition,
    Waiting,
    Worker,
)

__all__ = [
    "Advice",
    "Ahead",
    "BadAnswerError",
    "Checkpoint",
    "Client",
    "Confusion",
    "ConnectionFailedError",
    "CsvOptions",
    "Dataset",
    "DatasetReference",
    "Evaluation",
    "Event",
    "Fault",
    "Histogram",
    "History",
    "Job",
    "Metric",
    "NoSingleMatchError",
    "Predictions",
    "Problem",
    "ProblemDocument",
    "ProblemError",
    "Progress",
    "RanOn",
    "Reason",
    "Residuals",
    "StackyardError",
    "Transition",
    "WaitTimeoutError",
    "Waiting",
    "Worker",
]

Problem = ProblemDocument  # its name in earlier releases, which existing programs import
