"""What the engine's tests share."""

import pytest

from worker.engine import door


@pytest.fixture
def traced(monkeypatch):
    """How often something was traced."""
    made = []

    class Counted(door.Compiled):
        def __init__(self, *given, **named):
            made.append(self)
            super().__init__(*given, **named)

    monkeypatch.setattr(door, "Compiled", Counted)
    return made
