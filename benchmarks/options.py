"""The options of a benchmark run."""

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import tutorials
from rich.console import Console

_progress = Console(stderr=True, highlight=False)


@dataclass(frozen=True)
class Options:
    """How much to measure. `short` is for trials; it changes only the number of measurements."""

    short: bool = False
    repetitions: int | None = None
    experiments: Sequence[str] = ()
    shared: Path = Path("../shared")

    def choose_repetitions(self, usual: int, short: int = 1) -> int:
        """Return the number of repetitions, given the usual and the short one."""
        return self.repetitions or (short if self.short else usual)

    def choose_experiments(self, usual: Sequence[str], short: Sequence[str]) -> list[str]:
        """Return the experiments to measure, given the usual and the short selection of a part."""
        selected = self.experiments or (short if self.short else usual)
        return [name for name in usual if name in selected]

    @contextmanager
    def open_data(self) -> Generator[tutorials.ExperimentData]:
        """Open the experiments' files, and report if they are generated."""
        with tutorials.open_data(self.shared) as data:
            if data.generated:
                print_progress(f"{self.shared / 'data'} does not exist: using generated data of the same shapes")
            yield data


def print_progress(message: str) -> None:
    """Print the progress of a long measurement to standard error."""
    _progress.print(f"[dim]… {message}[/dim]", markup=True)
