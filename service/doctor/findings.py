"""The result of a check."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How a finding is to be taken."""

    OK = "ok"
    """Nothing to do."""
    WARNING = "warning"
    """The server works. It would be better with the advice."""
    PROBLEM = "problem"
    """The server does not work, or not reliably."""


@dataclass(frozen=True)
class Finding:
    """What a check saw: its subject in a word, a sentence, and what to do about it; "" if nothing."""

    subject: str
    level: Level
    message: str
    advice: str = ""


def report_ok(subject: str, message: str) -> Finding:
    """Return a finding that needs no action."""
    return Finding(subject, Level.OK, message)


def warn(subject: str, message: str, advice: str) -> Finding:
    """Return a finding that should be looked at."""
    return Finding(subject, Level.WARNING, message, advice)


def report_problem(subject: str, message: str, advice: str) -> Finding:
    """Return a finding that must be solved."""
    return Finding(subject, Level.PROBLEM, message, advice)
