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
    ProblemError,
    StackyardError,
    WaitTimeoutError,
)
from stackyard.client.views import (
    Dataset,
    DatasetReference,
    Evaluation,
    Fault,
    History,
    Job,
    Metric,
    Problem,
    Progress,
    Reason,
    Transition,
)

__all__ = [
    "BadAnswerError",
    "Client",
    "ConnectionFailedError",
    "Dataset",
    "DatasetReference",
    "Evaluation",
    "Fault",
    "History",
    "Job",
    "Metric",
    "Problem",
    "ProblemError",
    "Progress",
    "Reason",
    "StackyardError",
    "Transition",
    "WaitTimeoutError",
]
