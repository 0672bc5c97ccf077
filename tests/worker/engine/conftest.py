"""Fixtures of the engine's tests."""

import pytest

from worker.engine import engine
from worker.engine.backend.program_selection import select_program_class


@pytest.fixture
def traced(monkeypatch):
    """The programs that were traced."""
    programs = []

    program_class = select_program_class()

    class RecordedProgram(program_class):
        def __init__(self, *args, **kwargs):
            programs.append(self)
            super().__init__(*args, **kwargs)

    monkeypatch.setattr(engine, "select_program_class", lambda: RecordedProgram)
    return programs
