"""Loaded by every process of a server under test before anything of the server's own, for `tests.chaos`.

It names every durable step (a commit, a sync, a rename, a removal) by the function of the server that makes it, and
does at one of them what the directory `STACKYARD_CHAOS` asks for: kill this process before or after it, or have it
fail. It also says to the database which process writes, so that its triggers can keep a record.
"""

import builtins
import errno
import functools
import json
import os
import signal
import sys
from collections import Counter
from pathlib import Path

_DIRECTORY = Path(os.environ.get("STACKYARD_CHAOS", ""))
_ROOMS = ("api", "service", "worker", "migrations")
_PASSED_OVER = ("service.db.database",)
_CALLS = ("fsync", "fdatasync", "replace", "rename", "link", "unlink", "remove")
_ROLES = {"uvicorn": "api", "spawn_main": "child", "celery": "worker", "migrations": "migrate"}
_ROLE = next((role for word, role in _ROLES.items() if any(word in argument for argument in sys.orig_argv)), "other")
_seen = set()
_met = Counter()


def _place(call):
    """The step's name: the innermost function of the server's own that makes it, and the call."""
    frame = sys._getframe(2)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.split(".")[0] in _ROOMS and not module.startswith(_PASSED_OVER):
            return f"{_ROLE} {module}.{frame.f_code.co_qualname} {call}"
        frame = frame.f_back
    return None


def _armed(place, moment):
    """What is to happen at this moment of this step, if anything; each order is carried out once."""
    try:
        with _open(_DIRECTORY / "armed") as file:
            orders = json.load(file)
    except (OSError, ValueError):
        return None
    for order in orders:
        if (order["place"], order["moment"]) == (place, moment) and _due(order):
            return order["act"]
    return None


def _due(order):
    """Whether this process has come by often enough, and is the first that has."""
    number = order["number"]
    _met[number] += 1
    if _met[number] <= order["skip"]:
        return False
    try:
        descriptor = os.open(_DIRECTORY / f"fired-{number}", os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError:
        return False
    os.write(descriptor, b"%d" % os.getpid())
    os.close(descriptor)
    return True


def _note(place):
    if place not in _seen:
        _seen.add(place)
        descriptor = os.open(_DIRECTORY / "seen", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        os.write(descriptor, f"{place}\n".encode())
        os.close(descriptor)


def _meet(place, moment):
    act = _armed(place, moment)
    if act == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif act is not None:
        number = getattr(errno, act)
        raise OSError(number, os.strerror(number))


def _wrapped(call, original):
    @functools.wraps(original)
    def step(*args, **kwargs):
        place = _place(call)
        if place is None:
            return original(*args, **kwargs)
        _note(place)
        _meet(place, "before")
        try:
            return original(*args, **kwargs)
        finally:  # a removal of what is not there is passed, too
            _meet(place, "after")

    return step


class _File:
    """A file that is written to, each write a step."""

    def __init__(self, file):
        self._file = file
        self.write = _wrapped("write", file.write)

    def __getattr__(self, name):
        return getattr(self._file, name)

    def __enter__(self):
        self._file.__enter__()
        return self

    def __exit__(self, *how):
        return self._file.__exit__(*how)


def _fdopen(descriptor, mode="r", *args, **kwargs):
    file = _plain_fdopen(descriptor, mode, *args, **kwargs)
    return _File(file) if "b" in mode and ("w" in mode or "+" in mode) and _place("open") is not None else file


def _install():
    os.fdopen = _fdopen
    for call in _CALLS:
        setattr(os, call, _wrapped(call, getattr(os, call)))
    from sqlalchemy import Engine, event  # noqa: PLC0415  # for the processes that use it anyway
    from sqlalchemy.engine.default import DefaultDialect  # noqa: PLC0415

    DefaultDialect.do_commit = _wrapped("commit", DefaultDialect.do_commit)

    @event.listens_for(Engine, "connect")
    def _introduce(connection, _record):
        if hasattr(connection, "create_function"):  # SQLite's
            connection.create_function("chaos_writer", 0, os.getpid)


_open = builtins.open
_plain_fdopen = os.fdopen
os.environ["PGAPPNAME"] = str(os.getpid())  # what PostgreSQL's triggers know a writer by
if "STACKYARD_CHAOS" in os.environ and "serve" not in sys.orig_argv:
    _install()
