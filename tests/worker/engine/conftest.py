"""Fixtures of the engine's tests."""

import pytest

from worker.engine import engine


@pytest.fixture
def traced(monkeypatch):
    """The programs that were traced."""
    programs = []

    class RecordedProgram(engine.CompiledProgram):
        def __init__(self, *args, **kwargs):
            programs.append(self)
            super().__init__(*args, **kwargs)

    monkeypatch.setattr(engine, "CompiledProgram", RecordedProgram)
    return programs
