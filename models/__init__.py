"""The database tables, one module each. Migrations create them; `service` reads and writes them."""

from models.artifact import Artifact
from models.base import Base
from models.checkpoint import Checkpoint
from models.dataset import Dataset
from models.discarded_file import DiscardedFile
from models.epoch import Epoch
from models.idempotency import IdempotencyKey
from models.job import TERMINAL_STATES, Backend, Job, JobState
from models.job_change import JobChange
from models.metric import JobMetric
from models.sweeps import OPEN_TRIAL_STATES, SWEEP_END_STATES, DeletedSweep, Sweep, SweepState, Trial, TrialState
from models.tag import JobTag
from models.team import (
    DEFAULT_PROJECT_ID,
    DEFAULT_PROJECT_NAME,
    AuditEntry,
    Membership,
    Project,
    ProjectRole,
    Token,
    TokenKind,
    TokenScope,
    UsageRecord,
    User,
    UserRole,
)
from models.transition import Transition
from models.worker import Worker, WorkerChild

__all__ = [
    "DEFAULT_PROJECT_ID",
    "DEFAULT_PROJECT_NAME",
    "OPEN_TRIAL_STATES",
    "SWEEP_END_STATES",
    "TERMINAL_STATES",
    "Artifact",
    "AuditEntry",
    "Backend",
    "Base",
    "Checkpoint",
    "Dataset",
    "DeletedSweep",
    "DiscardedFile",
    "Epoch",
    "IdempotencyKey",
    "Job",
    "JobChange",
    "JobMetric",
    "JobState",
    "JobTag",
    "Membership",
    "Project",
    "ProjectRole",
    "Sweep",
    "SweepState",
    "Token",
    "TokenKind",
    "TokenScope",
    "Transition",
    "Trial",
    "TrialState",
    "UsageRecord",
    "User",
    "UserRole",
    "Worker",
    "WorkerChild",
]
