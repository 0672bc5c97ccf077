"""What the engine's tests share."""

import pytest

from worker.engine import engine


@pytest.fixture
def traced(monkeypatch):
    """How often something was traced."""
    made = []

    class Counted(engine.Compiled):
        def __init__(self, *given, **named):
            made.append(self)
            super().__init__(*given, **named)

    monkeypatch.setattr(engine, "Compiled", Counted)
    return made
