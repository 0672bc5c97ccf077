"""Settings of an installation, read from `STACKYARD_*` environment variables."""

from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote, urlsplit, urlunsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from stackyard.loopback import is_loopback_name
from stackyard.secret_files import read_secret
from stackyard.spec import BackendSetting, Limits

SECRET_SETTINGS = ("token", "metrics_token", "database_password", "broker_password", "oidc_client_secret")
"""Settings that may also come from a file, which a variable with the suffix `_FILE` names."""

_RATE_LIMIT = r"^$|^[1-9][0-9]{0,8} ?(/|per) ?([1-9][0-9]{0,5} ?)?(second|minute|hour|day)s?$"

Seconds = Annotated[float, Field(gt=0)]


def _check_token(token: SecretStr) -> SecretStr:
    """Return the token if a request can carry it; an empty one would admit every request."""
    text = token.get_secret_value()
    if not text.strip():
        raise ValueError("a blank token protects nothing: set a long random string, or unset the variable")
    if text != text.strip():
        raise ValueError("a token must not begin or end with white space, because headers cannot carry it")
    return token


def _check_issuer(url: str) -> str:
    """Return the URL of an identity provider if it is protected by TLS, or of this machine."""
    parts = urlsplit(url)
    is_local = parts.scheme == "http" and parts.hostname is not None and is_loopback_name(parts.hostname)
    if url and not (parts.hostname and (parts.scheme == "https" or is_local)):
        raise ValueError("expected the https URL of an OpenID Connect provider")
    return url


def _split_names(value: object) -> object:
    """Split a comma-separated list."""
    return [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value


class Settings(BaseSettings):
    """Settings of one process, created at its entry point and passed down. Times are in seconds, sizes in bytes."""

    model_config = SettingsConfigDict(
        env_prefix="STACKYARD_", env_nested_delimiter="__", frozen=True, hide_input_in_errors=True
    )

    data_dir: Path = Path("data")
    """Directory for uploads, caches and, by default, artifacts and the SQLite database. Use a persistent disk."""
    artifacts_url: str = ""
    """Object store for artifacts: `s3://BUCKET` or `s3://BUCKET/PREFIX`. Empty stores them in `data_dir`. Set it when
    the API and the workers run on several machines. Credentials and region come from AWS's own variables
    (`AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY`, `AWS_REGION`, …)."""
    artifacts_endpoint: str = ""
    """URL of the object store, `https://…` or `http://…`. Set it for any S3-compatible store other than AWS."""
    artifacts_cache: Annotated[int, Field(gt=0)] = 32 * 2**30
    """Maximum size in bytes of the local copies of the bucket's files in `data_dir`; files in use do not count. Raise
    it if workers download the same datasets repeatedly; lower it if the disk is small."""
    database_url: str = ""
    """Database URL: `sqlite:///…` or `postgresql+psycopg://…`. Empty uses a SQLite file in `data_dir`. Set a
    PostgreSQL URL when processes run on several machines."""
    broker_url: str = "redis://127.0.0.1:6379/0"
    """URL of the Redis or Valkey broker: `redis://…`, `rediss://…` or `redis+socket:///…`. The API and the workers
    must use the same broker."""
    database_password: SecretStr | None = None
    """Password of PostgreSQL, if `database_url` has none. It needs no escapes, as it would in the URL."""
    broker_password: SecretStr | None = None
    """Password of the broker, if `broker_url` has none. It needs no escapes, as it would in the URL."""
    token: Annotated[SecretStr, AfterValidator(_check_token)] | None = None
    """Bearer token that every request must carry. Unset accepts requests from this machine only; set it before others
    can reach the API."""
    metrics_token: Annotated[SecretStr, AfterValidator(_check_token)] | None = None
    """Bearer token that admits to `/metrics` and to no other route, for Prometheus. Set it so that a scraper need not
    know the server's token."""
    session_s: Seconds = 7 * 86_400
    """Time in seconds after which a browser that has logged in must log in again. Lower it if browsers are shared;
    another token ends all sessions at once."""
    rate_limit: Annotated[str, Field(pattern=_RATE_LIMIT)] = "1200/minute"
    """Maximum number of requests with one token of a user, such as `1200/minute`, `50/second` or `100 per 5 minutes`.
    Empty sets no limit. Browsers with a session and the server's own token have none. Raise it for programs that poll
    many jobs; lower it if single programs slow the server down for the others."""
    allowed_hosts: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_names)] = ()
    """Host names, separated by commas, under which browsers may use the API besides its own address. Set it if a proxy
    passes on the name of a site: without a token, requests to any other name than a loopback name are refused; pages
    from other sites are always refused when they write."""
    oidc_issuer: Annotated[str, AfterValidator(_check_issuer)] = ""
    """URL of an OpenID Connect provider, as its discovery document has it. Set it to let users log in to the page
    there. It needs the extra `oidc`."""
    oidc_client_id: str = ""
    """Identifier of this server at the provider. Set it with `oidc_issuer`."""
    oidc_client_secret: SecretStr | None = None
    """Secret of this server at the provider. Unset for a public client, which proves itself by PKCE alone."""
    oidc_redirect_url: str = ""
    """URL of `/v1/session/oidc/callback` as browsers reach it and the provider knows it. Empty takes it from the
    request; set it if a proxy adds TLS or changes the host name."""
    oidc_scopes: str = "openid profile email"
    """Scopes of a login, separated by spaces. Add the one that your provider needs to send groups."""
    oidc_allowed_domains: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_names)] = ()
    """Domains of e-mail addresses, separated by commas. If set, only identities with a verified address of one of
    them may log in."""
    oidc_allowed_groups: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_names)] = ()
    """Groups, separated by commas. If set, only identities whose claim `groups` has one of them may log in."""
    oidc_create_users: bool = False
    """Whether an identity without a user becomes a member at its first login. Set it if the provider, or the allowed
    domains or groups, have only your team."""
    max_connections: Annotated[int, Field(ge=1)] = 4096
    """Maximum number of open connections of the API. At the bound, a new connection replaces the one that has waited
    longest without a request. The number of descriptors that the system allows limits it further."""
    max_connections_per_address: Annotated[int, Field(ge=1)] = 1024
    """Maximum number of open connections from one address; an IPv6 network of 64 bits counts as one. Raise it if many
    clients share a proxy."""
    header_timeout_s: Seconds = 10
    """Maximum time in seconds from the start of a connection, or of a further request on it, to the end of the
    request's headers. Raise it for clients on very slow networks."""
    body_timeout_s: Seconds = 30
    """Time in seconds without progress after which a request is refused while its body arrives, or a response is
    aborted while its client reads. Raise it for clients on very slow networks."""

    max_log_bytes: Annotated[int, Field(ge=2**16)] = 20 * 2**20
    """Maximum size in bytes of the logs of each process that `serve` starts: the current file and the one before.
    Raise it to keep more of the past; lower it on a small disk."""

    max_dataset_bytes: Annotated[int, Field(gt=0)] = 2 * 2**30
    """Maximum size in bytes of an uploaded dataset. Raise it for larger files."""
    inspection_timeout_s: Seconds = 900
    """Maximum time in seconds to inspect an uploaded dataset. Raise it if large uploads are rejected as too slow."""
    inspection_memory: Annotated[int, Field(gt=0)] = 4 * 2**30
    """Maximum memory in bytes of the process that inspects an upload. Raise it if large uploads are rejected for
    lack of memory; lower it on a small machine."""
    limits: Limits = Limits()
    """Limits on what a spec may request. Each has a variable of its own, `STACKYARD_LIMITS__…`."""

    max_predict_bytes: Annotated[int, Field(gt=0)] = 10 * 2**20
    """Maximum size in bytes of a prediction request's body. Raise it for clients that send many rows at once."""
    max_predict_rows: Annotated[int, Field(gt=0)] = 100_000
    """Maximum number of rows in a prediction request. Raise it for clients that send many rows at once."""
    prediction_timeout_s: Seconds = 60
    """Maximum time in seconds to predict the rows of one request. Raise it for large networks or many rows."""
    prediction_idle_s: Seconds = 300
    """Time in seconds without requests after which the prediction process ends and frees its memory. Raise it if
    requests are rare and must be answered without a cold start."""
    prediction_memory: Annotated[int, Field(gt=0)] = 4 * 2**30
    """Maximum memory in bytes of the prediction process. Raise it if large networks cannot predict."""

    max_event_streams: Annotated[int, Field(gt=0)] = 1000
    """Maximum number of event streams that are open at the same time. A client that opens more gets a 429. Raise it
    for more watchers; each stream may take some 300 kB of memory if its client does not read."""
    max_client_event_streams: Annotated[int, Field(gt=0)] = 300
    """Maximum number of event streams that one address has open at the same time. Raise it if all clients come
    through one proxy; lower it if single clients keep others from watching."""

    lease_s: Seconds = 30
    """Time in seconds that a worker's lease on an attempt lasts, and that a worker counts as alive after a heartbeat.
    Several times `heartbeat_s`. Raise it if slow disks or networks make workers lose their leases; lower it to
    requeue the jobs of a lost worker sooner."""
    heartbeat_s: Seconds = 5
    """Interval in seconds at which a worker renews its leases and reports that it is alive. Keep it well below
    `lease_s`."""
    flush_s: Seconds = 0.5
    """Minimum interval in seconds between two writes of a running job's epochs. Raise it to reduce the load on the
    database; lower it for a more immediate history."""
    reconcile_s: Seconds = 5
    """Interval in seconds between two rounds that requeue jobs with expired leases and clean up. Raise it to reduce
    the load on the database."""
    cancel_grace_s: Seconds = 10
    """Time in seconds that a job may take to stop on request; then its process is killed. Raise it for jobs
    with very long steps."""
    max_crashes: Annotated[int, Field(ge=1)] = 3
    """Number of process crashes after which a job fails. Raise it if crashes have causes outside the job."""
    checkpoint_s: Seconds = 30
    """Interval in seconds between two checkpoints of a running job; a shorter job writes none. Lower it to repeat
    less work after a crash; raise it if large models spend too much time on checkpoints."""
    final_checkpoint_bytes: Annotated[int, Field(ge=0)] = 256 * 2**20
    """Maximum size in bytes of the checkpoint that is kept when a job succeeds, so that another job can train more
    epochs. It is about as large as the model's file. A larger one is not kept; 0 keeps none. Lower it if the disk is
    small."""
    final_checkpoint_days: Annotated[float, Field(gt=0)] = 30
    """Number of days after which the checkpoint of a job that succeeded is deleted; its model stays. Lower it if the
    disk is small."""
    progress_s: Seconds = 600
    """Time in seconds without progress after which a training is killed and counts as crashed. Raise it for networks
    that take longer to compile or to complete a step."""
    usage_half_life_s: Seconds = 86_400
    """Time in seconds after which the past usage of a user counts half in the fair share. Set the same value for all
    processes. Raise it to let long work of last week count; lower it to forget sooner."""
    gpu_weight: Annotated[float, Field(gt=0)] = 10
    """How many seconds on a CPU worker count as much as a second on a GPU worker in the fair share. Set the same value
    for all processes."""
    retention_days: Annotated[float, Field(gt=0)] | None = None
    """Number of days after which a job in a terminal state is deleted. Unset keeps jobs until a client deletes
    them."""
    audit_days: Annotated[float, Field(gt=0)] | None = 365
    """Number of days after which an entry of the audit is deleted. Raise it if you must keep a longer record; lower it
    if the database grows too large."""
    discard_grace_s: Seconds = 600
    """Time in seconds before a file that no row references is deleted. It must be longer than the time between
    storing a file and committing the row that references it."""
    device: Literal["cpu", "gpu"] = "cpu"
    """Device that a worker computes on, `cpu` or `gpu`. It also selects the queue that the worker serves."""
    default_backend: BackendSetting = "auto"
    """Backend of Keras that `auto` in a spec means: `jax`, `tensorflow`, or `auto` for the faster one for each
    network. Set the same value for all processes. Set it if all jobs must train on one backend. An option that only
    TensorFlow has still selects TensorFlow."""
    backend_batch_s: Seconds = 20
    """Time in seconds for which a worker's child takes jobs of its own backend while an earlier job waits for the
    other one. Then another process replaces it. Raise it if jobs of both backends alternate and the replacements cost
    too much time; lower it to keep the order of the queue more strictly."""
    child_memory: Annotated[int, Field(gt=0)] = 8 * 2**30
    """Resident memory in bytes above which a worker child is replaced once its job ends. Raise it on machines with
    much memory, so that children keep their caches."""
    child_memory_limit: Annotated[int, Field(ge=0)] = 0
    """Maximum memory in bytes that a worker child may allocate; a job that needs more fails with `out_of_memory`. 0
    divides four fifths of the memory of the machine, or of the container, among the children, and limits no child of
    a GPU worker. Set it if other programs need the machine's memory, or if one child may take more than its share."""
    compiled_memory: Annotated[int, Field(gt=0)] = 2**30
    """Maximum memory in bytes that a worker child uses to cache compiled networks for jobs of the same architecture.
    Raise it if many architectures alternate."""
    data_memory: Annotated[int, Field(gt=0)] = 2**30
    """Maximum memory in bytes of a job's rows, both as they are read and as they are prepared. Larger data is prepared
    into files in `data_dir` and read in blocks during training. Raise it if memory is plentiful."""
    prepared_memory: Annotated[int, Field(ge=0)] = 2**30
    """Maximum memory in bytes that a worker child uses to cache prepared rows for jobs on the same data. 0 disables
    this cache."""
    prepared_disk: Annotated[int, Field(gt=0)] = 64 * 2**30
    """Maximum size in bytes of prepared rows in `data_dir`; files that running jobs read do not count. Lower it if the
    disk is small."""
    compilation_cache: Annotated[int, Field(ge=0)] = 2**30
    """Maximum size in bytes of the functions in `data_dir` that JAX has compiled for earlier jobs. Other children, and
    those after a restart, need not compile them again. 0 disables this cache."""
    threads: Annotated[int, Field(ge=0)] = 0
    """Number of threads with which each worker child computes. 0 divides the cores among the children. Set it to
    leave cores to other programs."""
    threads_alone: Annotated[int, Field(ge=0)] = 0
    """Number of threads with which a large CPU job computes while its worker is otherwise idle. 0 uses the threads
    of all children of the worker or, if `threads` is set, that number."""
    neighbours: Annotated[int, Field(ge=0)] = 0
    """Number of children of other workers on the same machine. Set it if several workers share a machine, because the
    cores are divided among all children."""

    @model_validator(mode="after")
    def _check_client_id(self) -> Self:
        if self.oidc_issuer and not self.oidc_client_id:
            raise ValueError("oidc_issuer needs oidc_client_id, the identifier of this server at the provider")
        return self

    @property
    def resolved_database_url(self) -> str:
        """Return the database URL, with the default and the password filled in."""
        url = self.database_url or f"sqlite:///{self.data_dir.resolve() / 'stackyard.db'}"
        return _insert_password(url, self.database_password)

    @property
    def resolved_broker_url(self) -> str:
        """Return the URL of the broker, with the password filled in."""
        return _insert_password(self.broker_url, self.broker_password)

    @model_validator(mode="before")
    @classmethod
    def _read_secret_files(cls, values: dict[str, Any]) -> dict[str, Any]:
        """Read the secrets that come from files."""
        secrets = {name: read_secret(f"STACKYARD_{name.upper()}") for name in SECRET_SETTINGS}
        return {name: secret for name, secret in secrets.items() if secret is not None} | values


def _insert_password(url: str, password: SecretStr | None) -> str:
    """Return a URL with a password. A file or a socket needs none, and a password in the URL stays."""
    parts = urlsplit(url)
    if password is None or not password.get_secret_value() or not parts.netloc or parts.password is not None:
        return url
    user, _, host = parts.netloc.rpartition("@")
    escaped = quote(password.get_secret_value(), safe="")
    return urlunsplit(parts._replace(netloc=f"{user.removesuffix(':')}:{escaped}@{host}"))
