"""The Python client of a Stackyard server.

Example:
    >>> with Client("http://127.0.0.1:8000") as stackyard:
    ...     stackyard.upload("wine.csv", name="wine")
    ...     job = stackyard.wait(stackyard.submit(spec).id)
    ...     stackyard.download_model(job.id, "wine.keras")

"""

from stackyard.client.comparison import Band, Comparison, Difference, JobActionResult, Repeats
from stackyard.client.connection import Client, JobAction
from stackyard.client.errors import (
    BadAnswerError,
    ConnectionFailedError,
    NoSingleMatchError,
    ProblemError,
    StackyardError,
    TrialFailedError,
    WaitTimeoutError,
)
from stackyard.client.request_encoding import CsvOptions
from stackyard.client.sweeps.documents import SweepOptions, build_sweep
from stackyard.client.sweeps.sweep import Sweep
from stackyard.client.sweeps.views import BestTrial, Estimate, RankedTrial, SweepStatistics, Trial, TrialTable
from stackyard.client.team.views import (
    Account,
    AuditEntry,
    Member,
    NewToken,
    NewUser,
    Project,
    ProjectDetails,
    Token,
    Usage,
    User,
)
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
    "Account",
    "Advice",
    "Ahead",
    "AuditEntry",
    "BadAnswerError",
    "Band",
    "BestTrial",
    "Checkpoint",
    "Client",
    "Comparison",
    "Confusion",
    "ConnectionFailedError",
    "CsvOptions",
    "Dataset",
    "DatasetReference",
    "Difference",
    "Estimate",
    "Evaluation",
    "Event",
    "Fault",
    "Histogram",
    "History",
    "Job",
    "JobAction",
    "JobActionResult",
    "Member",
    "Metric",
    "NewToken",
    "NewUser",
    "NoSingleMatchError",
    "Predictions",
    "Problem",
    "ProblemDocument",
    "ProblemError",
    "Progress",
    "Project",
    "ProjectDetails",
    "RanOn",
    "RankedTrial",
    "Reason",
    "Repeats",
    "Residuals",
    "StackyardError",
    "Sweep",
    "SweepOptions",
    "SweepStatistics",
    "Token",
    "Transition",
    "Trial",
    "TrialFailedError",
    "TrialTable",
    "Usage",
    "User",
    "WaitTimeoutError",
    "Waiting",
    "Worker",
    "build_sweep",
]

Problem = ProblemDocument  # its name in earlier releases, which existing programs import
