"""What whoever runs the benchmark may choose."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import tutorials
from rich.console import Console

_progress = Console(stderr=True, highlight=False)


@dataclass(frozen=True)
class Options:
    """How much to measure; `short` is for trying out, and never changes what is measured, only how often."""

    short: bool = False
    repetitions: int | None = None
    experiments: Sequence[str] = ()
    shared: Path = Path("../shared")

    def times(self, usual: int, short: int = 1) -> int:
        """How often to repeat what is usually repeated so often."""
        return self.repetitions or (short if self.short else usual)

    def chosen(self, usual: Sequence[str], short: Sequence[str]) -> list[str]:
        """The experiments to measure, of those that a part has by default."""
        wanted = self.experiments or (short if self.short else usual)
        return [name for name in usual if name in wanted]

    @contextmanager
    def data(self) -> Generator[tutorials.Data]:
        """The experiments' files."""
        with tutorials.data(self.shared) as found:
            if found.generated:
                progress(f"there is no {self.shared / 'data'}: generated data of the same shapes")
            yield found


def progress(message: str) -> None:
    """Tell whoever waits where a long measurement is."""
    _progress.print(f"[dim]… {message}[/dim]", markup=True)
