"""Checks of settings that are valid and yet risky."""

import os
from collections.abc import Iterator
from importlib.util import find_spec
from urllib.parse import SplitResult, parse_qs, urlsplit

from pydantic import ValidationError

from service.doctor.findings import Finding, report_ok, report_problem, warn
from service.settings import Settings
from stackyard.loopback import is_loopback_name

_MIN_TOKEN_LENGTH = 20
_MIN_HEARTBEATS = 3
_MIN_DISCARD_GRACE_S = 60
_MAX_CHECKPOINT_S = 600
_ENCRYPTED_MODES = frozenset({"require", "verify-ca", "verify-full"})
_SUBJECT = "settings"


def describe_invalid_settings(error: ValidationError) -> Iterator[Finding]:
    """Return a problem for each invalid setting. The values are left out, because they may be secrets."""
    for fault in error.errors(include_input=False):
        name = "__".join(str(part) for part in fault["loc"]).upper()
        variable = f"STACKYARD_{name}" if name else "The settings"
        yield report_problem(_SUBJECT, f"{variable}: {fault['msg']}.", "Correct or unset the variable.")


def check_settings(settings: Settings) -> Iterator[Finding]:
    """Check the tokens, the connections and the times."""
    risks = [*_check_tokens(settings), *_check_connections(settings), *_check_times(settings), *_check_traces()]
    yield from risks or [report_ok(_SUBJECT, "No risky setting.")]


def _check_tokens(settings: Settings) -> Iterator[Finding]:
    for name in ("token", "metrics_token"):
        token = getattr(settings, name)
        if token is not None and len(token.get_secret_value()) < _MIN_TOKEN_LENGTH:
            message = f"STACKYARD_{name.upper()} is shorter than {_MIN_TOKEN_LENGTH} characters."
            yield warn(_SUBJECT, message, "Take a long random one, such as `openssl rand -hex 24` prints.")
    if settings.token is not None and settings.token == settings.metrics_token:
        message = "The token of the metrics is the server's token."
        yield warn(_SUBJECT, message, "Give Prometheus a token of its own, which admits to nothing else.")


def _check_connections(settings: Settings) -> Iterator[Finding]:
    database, broker = urlsplit(settings.resolved_database_url), urlsplit(settings.resolved_broker_url)
    private = "Use TLS, unless the network is private."
    if _is_remote(database):
        mode = parse_qs(database.query).get("sslmode", [os.environ.get("PGSSLMODE", "")])[0]
        if mode not in _ENCRYPTED_MODES:
            message = "The connection to the database is not required to be encrypted."
            yield warn(_SUBJECT, message, f"{private} Add `?sslmode=verify-full` to STACKYARD_DATABASE_URL.")
    if _is_remote(broker):
        if broker.password is None:
            message = "The broker is on another machine, and has no password."
            yield warn(_SUBJECT, message, "Set `requirepass` there, and STACKYARD_BROKER_PASSWORD here.")
        if broker.scheme != "rediss":
            yield warn(_SUBJECT, "The connection to the broker is not encrypted.", f"{private} Use `rediss://`.")
    endpoint = urlsplit(settings.artifacts_endpoint)
    if endpoint.scheme == "http" and _is_remote(endpoint):
        yield warn(_SUBJECT, "The connection to the object store is not encrypted.", f"{private} Use `https://`.")
    if settings.artifacts_url and database.scheme.startswith("sqlite"):
        message = "Artifacts are in a bucket, but the database is a file of this machine."
        yield warn(_SUBJECT, message, "Workers on other machines need PostgreSQL.")


def _is_remote(address: SplitResult) -> bool:
    return bool(address.hostname) and not is_loopback_name(address.hostname or "")


def _check_times(settings: Settings) -> Iterator[Finding]:
    if settings.lease_s < _MIN_HEARTBEATS * settings.heartbeat_s:
        message = f"A lease of {settings.lease_s:g} s has fewer than {_MIN_HEARTBEATS} heartbeats."
        advice = "One slow write would lose it. Raise STACKYARD_LEASE_S, or lower STACKYARD_HEARTBEAT_S."
        yield report_problem(_SUBJECT, message, advice)
    if settings.discard_grace_s < _MIN_DISCARD_GRACE_S:
        message = f"STACKYARD_DISCARD_GRACE_S is only {settings.discard_grace_s:g} s."
        yield warn(_SUBJECT, message, "A file may be deleted before the row that names it is stored. Use the default.")
    if settings.checkpoint_s > _MAX_CHECKPOINT_S:
        message = f"A crash repeats up to {settings.checkpoint_s:g} s of a training."
        yield warn(_SUBJECT, message, "Lower STACKYARD_CHECKPOINT_S.")


def _check_traces() -> Iterator[Finding]:
    if os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT") and find_spec("opentelemetry.sdk") is None:
        message = "OTEL_EXPORTER_OTLP_ENDPOINT is set, but OpenTelemetry's SDK is not installed."
        yield warn(_SUBJECT, message, "Install the extra `otel`, or unset the variable.")
