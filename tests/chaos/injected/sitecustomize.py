"""Fault injection for `tests.chaos`, loaded by every process of a server under test before the server's own code.

It names every durable step (a commit, a sync, a rename, a removal) by the server's function that makes it. At a step
it carries out the orders in the directory `STACKYARD_CHAOS`: kill this process before or after the step, or make the
call fail. It also tells the database the writing process, for the triggers of `tests.chaos.audit`.
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
_PACKAGES = ("api", "service", "worker", "migrations")
_TRANSPARENT_MODULES = ("service.db.database",)
"""Modules that make steps for others: such a step gets the name of the caller."""
_CALLS = ("fsync", "fdatasync", "replace", "rename", "link", "unlink", "remove")
_MODULES = {"api": "api", "celery": "worker", "migrations": "migrate"}


def _find_role():
    """Return the role of this process by its command line: the module that it runs, or `spawn_main`."""
    if any("spawn_main" in argument for argument in sys.orig_argv):
        return "child"
    return next((role for module, role in _MODULES.items() if module in sys.orig_argv), "other")


_ROLE = _find_role()
_seen_steps = set()
_pass_counts = Counter()


def _name_step(call):
    """Return the step's name: process role, innermost function of the server, and call."""
    frame = sys._getframe(2)
    while frame is not None:
        module = frame.f_globals.get("__name__", "")
        if module.split(".")[0] in _PACKAGES and not module.startswith(_TRANSPARENT_MODULES):
            return f"{_ROLE} {module}.{frame.f_code.co_qualname} {call}"
        frame = frame.f_back
    return None


def _find_fault(step, timing):
    """Return the fault that is ordered before or after this step, or None; each order is carried out once."""
    try:
        with _original_open(_DIRECTORY / "armed") as file:
            orders = json.load(file)
    except (OSError, ValueError):
        return None
    for order in orders:
        if (order["step"], order["timing"]) == (step, timing) and _is_due(order):
            return order["fault"]
    return None


def _is_due(order):
    """Return whether this process has passed the step often enough, and is the first to carry out the order."""
    number = order["number"]
    _pass_counts[number] += 1
    if _pass_counts[number] <= order["skip"]:
        return False
    try:
        descriptor = os.open(_DIRECTORY / f"fired-{number}", os.O_CREAT | os.O_EXCL | os.O_WRONLY)
    except FileExistsError:
        return False
    os.write(descriptor, b"%d" % os.getpid())
    os.close(descriptor)
    return True


def _record_step(step):
    if step not in _seen_steps:
        _seen_steps.add(step)
        descriptor = os.open(_DIRECTORY / "seen", os.O_CREAT | os.O_APPEND | os.O_WRONLY)
        os.write(descriptor, f"{step}\n".encode())
        os.close(descriptor)


def _inject_fault(step, timing):
    fault = _find_fault(step, timing)
    if fault == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    elif fault is not None:
        number = getattr(errno, fault)
        raise OSError(number, os.strerror(number))


def _wrap_call(call, original):
    @functools.wraps(original)
    def wrapper(*args, **kwargs):
        step = _name_step(call)
        if step is None:
            return original(*args, **kwargs)
        _record_step(step)
        _inject_fault(step, "before")
        try:
            return original(*args, **kwargs)
        finally:  # also after an error, such as the removal of a file that does not exist
            _inject_fault(step, "after")

    return wrapper


class _WritableFile:
    """A file of which each write is a step."""

    def __init__(self, file):
        self._file = file
        self.write = _wrap_call("write", file.write)

    def __getattr__(self, name):
        return getattr(self._file, name)

    def __enter__(self):
        self._file.__enter__()
        return self

    def __exit__(self, *exception):
        return self._file.__exit__(*exception)


def _open_descriptor(descriptor, mode="r", *args, **kwargs):
    file = _original_fdopen(descriptor, mode, *args, **kwargs)
    is_binary_output = "b" in mode and ("w" in mode or "+" in mode)
    return _WritableFile(file) if is_binary_output and _name_step("open") is not None else file


def _install_wrappers():
    os.fdopen = _open_descriptor
    for call in _CALLS:
        setattr(os, call, _wrap_call(call, getattr(os, call)))
    from sqlalchemy import Engine, event  # noqa: PLC0415  # every wrapped process imports it anyway
    from sqlalchemy.engine.default import DefaultDialect  # noqa: PLC0415

    DefaultDialect.do_commit = _wrap_call("commit", DefaultDialect.do_commit)

    @event.listens_for(Engine, "connect")
    def _register_writer(connection, _record):
        if hasattr(connection, "create_function"):  # a connection to SQLite
            connection.create_function("chaos_writer", 0, os.getpid)


_original_open = builtins.open
_original_fdopen = os.fdopen
os.environ["PGAPPNAME"] = str(os.getpid())  # by which PostgreSQL's triggers identify the writer
if "STACKYARD_CHAOS" in os.environ and "serve" not in sys.orig_argv:
    _install_wrappers()
