"""The seven experiments of three tutorials: their specs, and their data or generated data of the same shapes."""

import json
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import generated

SPECS = Path(__file__).parent / "specs"
FILES: dict[str, str | None] = {
    "red-wine": "red-wine.csv",
    "concrete-plain": "concrete.csv",
    "concrete-batchnorm": "concrete.csv",
    "spotify": "spotify.csv",
    "mnist-plain": "mnist.npz",
    "mnist-dropout": "mnist.npz",
    "iris-batchnorm": None,
}
"""The data file of each experiment; iris is built in."""
DIVERGING = "concrete-plain"
"""The experiment whose loss becomes NaN in its first epoch, where job and script end."""


@dataclass(frozen=True)
class Experiment:
    """An experiment; `file` is None if its dataset is built in."""

    name: str
    spec: dict[str, Any]
    file: Path | None

    def build_spec(self, seed: int) -> dict[str, Any]:
        """Return the spec with another seed."""
        return self.spec | {"training": self.spec["training"] | {"seed": seed}}


@dataclass(frozen=True)
class ExperimentData:
    """A directory with the experiments' files; `generated` if they are not the tutorials' files."""

    directory: Path
    generated: bool

    def load_experiment(self, name: str) -> Experiment:
        """Return an experiment with its spec changed so that the exported script is a tutorial's plain `fit`.

        The rows are in Keras's own order. A training that does not diverge has no check for NaN, because Keras's
        TerminateOnNaN in the script makes a small `fit` slower.
        """
        file = FILES[name]
        spec = json.loads((SPECS / f"{name}.json").read_text())
        spec["training"]["shuffle"] = "keras"
        if name != DIVERGING:
            spec["training"]["on_nonfinite"] = "continue"
        return Experiment(name, spec, None if file is None else self.directory / file)


@contextmanager
def open_data(shared: Path) -> Generator[ExperimentData]:
    """Open the tutorials' files in `shared/data`, or generate files that are removed at the end of the block."""
    if (shared / "data").is_dir():
        yield ExperimentData(shared / "data", generated=False)
        return
    with TemporaryDirectory(prefix="stackyard-bench-data-") as directory:
        for file in sorted({file for file in FILES.values() if file is not None}):
            generated.write_file(Path(directory) / file)
        yield ExperimentData(Path(directory), generated=True)
