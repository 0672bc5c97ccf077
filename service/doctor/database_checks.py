"""Checks of the database: whether it answers, how fast, its schema, its durability and its clock."""

import sqlite3
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import psutil
from sqlalchemy import select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from service.db.database import DATABASE_UNAVAILABLE_ERRORS, SessionFactory, get_current_time
from service.db.schema_revision import find_schema_mismatch
from service.db.sqlite import MIN_WAL_VERSION
from service.doctor.findings import Finding, report_ok, report_problem, warn
from service.settings import Settings

_SUBJECT = "database"
_SAMPLES = 5
_MAX_LATENCY_S = 0.05
_MAX_SKEW_S, _BAD_SKEW_S = 1.0, 10.0
_NETWORK_FILE_SYSTEMS = ("nfs", "cifs", "smb", "fuse.sshfs", "9p", "glusterfs")


def has_database(settings: Settings) -> bool:
    """Return whether the database may exist: a file that does not would be created by a connection."""
    url = make_url(settings.resolved_database_url)
    return url.get_backend_name() != "sqlite" or Path(url.database or "").is_file()


def check_database(settings: Settings, sessions: SessionFactory) -> Iterator[Finding]:
    """Check everything about the database; only its reachability if it does not answer."""
    if not has_database(settings):
        advice = "`stackyard serve` creates it. Check --data-dir, STACKYARD_DATA_DIR and STACKYARD_DATABASE_URL."
        yield report_problem(_SUBJECT, "Its file does not exist.", advice)
        return
    try:
        with sessions.read() as session:
            yield from _check_latency(session)
            yield from (_check_sqlite if _is_sqlite(session) else _check_postgresql)(session)
            yield from _check_clock(session)
        yield from _check_schema(sessions)
    except DATABASE_UNAVAILABLE_ERRORS as error:
        reason = str(error.orig if isinstance(error, DBAPIError) else error).partition("\n")[0]
        advice = "Start it, and check STACKYARD_DATABASE_URL, the password and the network."
        yield report_problem(_SUBJECT, f"It does not answer: {reason}.", advice)
    if make_url(settings.resolved_database_url).get_backend_name() == "sqlite":
        yield from _check_file_system(settings)


def _is_sqlite(session: Session) -> bool:
    return session.get_bind().dialect.name == "sqlite"


def _check_latency(session: Session) -> Iterator[Finding]:
    latency = median(_measure_query(session) for _ in range(_SAMPLES))
    message = f"It answers within {latency * 1000:.1f} ms."
    if latency > _MAX_LATENCY_S:
        yield warn(_SUBJECT, message, "Each request needs several queries: bring it closer, or find its load.")
    else:
        yield report_ok(_SUBJECT, message)


def _measure_query(session: Session) -> float:
    started = time.perf_counter()
    session.execute(select(1))
    return time.perf_counter() - started


def _check_sqlite(session: Session) -> Iterator[Finding]:
    mode = str(session.scalar(text("PRAGMA journal_mode")))
    message = f"SQLite {sqlite3.sqlite_version} with the journal mode {mode}."
    if mode == "wal" and sqlite3.sqlite_version_info < MIN_WAL_VERSION:
        required = ".".join(map(str, MIN_WAL_VERSION))
        advice = f"A race can corrupt it. Restart the server, which changes the mode, or use SQLite {required}."
        yield report_problem(_SUBJECT, message, advice)
    else:
        yield report_ok(_SUBJECT, message)


def _check_postgresql(session: Session) -> Iterator[Finding]:
    yield report_ok(_SUBJECT, f"PostgreSQL {session.scalar(text('SHOW server_version'))}.")
    for name in ("fsync", "full_page_writes"):
        if session.scalar(text(f"SHOW {name}")) == "off":
            message = f"{name} is off: a power failure can corrupt the database."
            yield report_problem(_SUBJECT, message, f"Turn {name} on in postgresql.conf.")
    if session.scalar(text("SHOW synchronous_commit")) == "off":
        message = "synchronous_commit is off: a power failure can lose accepted jobs."
        yield warn(_SUBJECT, message, "Turn it on, unless lost jobs are acceptable.")


def _check_clock(session: Session) -> Iterator[Finding]:
    before = datetime.now(UTC)
    database_time = get_current_time(session)
    after = datetime.now(UTC)
    skew = (database_time - (before + (after - before) / 2)).total_seconds()
    message = f"The clock of the database differs from that of this machine by {abs(skew):.2f} s."
    advice = "Synchronize both with NTP. Leases use the database's clock; sessions and logs use this machine's."
    if abs(skew) > _BAD_SKEW_S:
        yield report_problem("clock", message, advice)
    elif abs(skew) > _MAX_SKEW_S:
        yield warn("clock", message, advice)
    else:
        yield report_ok("clock", message)


def _check_schema(sessions: SessionFactory) -> Iterator[Finding]:
    mismatch = find_schema_mismatch(sessions)
    if mismatch is None:
        yield report_ok(_SUBJECT, "Its schema is that of this release.")
    else:
        yield report_problem(_SUBJECT, mismatch.message, mismatch.advice)


def _check_file_system(settings: Settings) -> Iterator[Finding]:
    path = Path(make_url(settings.resolved_database_url).database or "").resolve()
    mounts = [disk for disk in psutil.disk_partitions(all=True) if path.is_relative_to(disk.mountpoint)]
    if not mounts:
        return
    file_system = max(mounts, key=lambda disk: len(disk.mountpoint)).fstype
    if file_system.startswith(_NETWORK_FILE_SYSTEMS):
        message = f"The SQLite file is on {file_system}, whose locks are not reliable."
        yield report_problem(_SUBJECT, message, "Move the data directory to a local disk, or use PostgreSQL.")
