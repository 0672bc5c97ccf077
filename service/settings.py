"""Everything that differs between one installation and another, read from `STACKYARD_*` variables."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from stackyard.spec import Limits

Seconds = Annotated[float, Field(gt=0)]


class Settings(BaseSettings):
    """Made once at the edge of a process and handed down; times are in seconds, sizes in bytes."""

    model_config = SettingsConfigDict(env_prefix="STACKYARD_", env_nested_delimiter="__", frozen=True)

    data_dir: Path = Path("data")
    """Uploads and, unless `artifacts_url` and `database_url` say otherwise, artifacts and the database."""
    artifacts_url: str = ""
    """`s3://BUCKET` or `s3://BUCKET/PREFIX`; empty for a directory in `data_dir`. The keys to it and its region are in
    AWS's own variables (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, …)."""
    artifacts_endpoint: str = ""
    """Where the bucket is served, `https://…` or `http://…`, if not by AWS."""
    artifacts_cache: Annotated[int, Field(gt=0)] = 32 * 2**30
    """What copies of a bucket's files may take up in `data_dir`, those aside that are being read."""
    database_url: str = ""
    """`sqlite:///…` or `postgresql+psycopg://…`; empty for a SQLite file in `data_dir`."""
    broker_url: str = "redis://127.0.0.1:6379/0"
    """`redis://…`, `rediss://…` or `redis+socket:///…`."""
    token: SecretStr | None = None
    """What every request must carry as a bearer token, where it is set."""

    max_dataset_bytes: Annotated[int, Field(gt=0)] = 2 * 2**30
    """The largest upload."""
    inspection_timeout_s: Seconds = 900
    """The time that the inspection of an uploaded file may take."""
    inspection_memory: Annotated[int, Field(gt=0)] = 4 * 2**30
    """The memory that the inspection of an uploaded file may take."""
    limits: Limits = Limits()
    """What a spec may ask for."""

    max_predict_bytes: Annotated[int, Field(gt=0)] = 10 * 2**20
    """The largest body of a request to predict."""
    max_predict_rows: Annotated[int, Field(gt=0)] = 100_000
    """The most rows that one request may predict."""
    prediction_timeout_s: Seconds = 60
    """For one request's rows."""
    prediction_idle_s: Seconds = 300
    """After so long without a request, the process that predicts ends."""
    prediction_memory: Annotated[int, Field(gt=0)] = 4 * 2**30
    """The memory that the process that predicts may take."""

    lease_s: Seconds = 30
    """How long a worker may work on an attempt without renewing its right to, and counts as alive without a word."""
    heartbeat_s: Seconds = 5
    """How often a worker renews its leases, and says that it lives."""
    flush_s: Seconds = 0.5
    """How often, at most, a running job writes its epochs."""
    reconcile_s: Seconds = 5
    """How often a worker looks for lost attempts, queues without a message, and files to remove."""
    cancel_grace_s: Seconds = 10
    """After this, a job that was asked to stop is stopped by force."""
    max_crashes: Annotated[int, Field(ge=1)] = 3
    """A job that took its process down this often is failed."""
    checkpoint_s: Seconds = 30
    """How often a running job writes down where it is; one that ends sooner writes nothing."""
    progress_s: Seconds = 600
    """A training from which nothing was heard for so long is stopped by force, and counts as crashed."""
    retention_days: Annotated[float, Field(gt=0)] | None = None
    """After so many days a job that has ended is deleted; None keeps it until somebody deletes it."""
    discard_grace_s: Seconds = 600
    """A file that no row names any more is removed after this; longer than one waits, once stored, to be named."""
    device: Literal["cpu", "gpu"] = "cpu"
    """What a worker computes on, and so which queue it serves."""
    child_memory: Annotated[int, Field(gt=0)] = 8 * 2**30
    """A worker child that has grown beyond this is replaced once its job is done."""
    compiled_memory: Annotated[int, Field(gt=0)] = 2**30
    """What a worker child may keep of traced graphs and their networks, for the next jobs of the same architecture."""
    data_memory: Annotated[int, Field(gt=0)] = 2**30
    """Of a job's rows, as they are read and as they are prepared; what takes up more is prepared into files in
    `data_dir` and trained on from there, block by block."""
    prepared_memory: Annotated[int, Field(ge=0)] = 2**30
    """What a worker child may keep of prepared rows in memory, for its next jobs on the same rows."""
    prepared_disk: Annotated[int, Field(gt=0)] = 64 * 2**30
    """What prepared rows may take up in `data_dir`, those aside that running jobs read."""
    threads: Annotated[int, Field(ge=0)] = 0
    """TensorFlow's intra-op threads in each worker child; 0 shares the cores out among the children."""
    threads_alone: Annotated[int, Field(ge=0)] = 0
    """TensorFlow's intra-op threads for a large job on a CPU while its worker has nothing else to do; 0 is as many as
    all children of the worker have together or, where `threads` is set, no more than that."""
    neighbours: Annotated[int, Field(ge=0)] = 0
    """How many children the other workers on this machine have: they have their share of the cores, too."""

    @property
    def database(self) -> str:
        """The database's URL, with the default filled in."""
        return self.database_url or f"sqlite:///{self.data_dir.resolve() / 'stackyard.db'}"
