"""The seven experiments of three tutorials: their specs, and their data or generated ones of the same shapes."""

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
"""The experiments, and the file that each trains on; iris comes with the server."""
DIVERGING = "concrete-plain"
"""The one whose loss is lost in its first epoch, where job and script end."""


@dataclass(frozen=True)
class Experiment:
    """One of them; `file` is None where the dataset is built in."""

    name: str
    spec: dict[str, Any]
    file: Path | None

    def seeded(self, seed: int) -> dict[str, Any]:
        """The spec with another seed."""
        return self.spec | {"training": self.spec["training"] | {"seed": seed}}


@dataclass(frozen=True)
class Data:
    """A directory with the experiments' files; `generated` where they are not the tutorials' own."""

    directory: Path
    generated: bool

    def experiment(self, name: str) -> Experiment:
        """An experiment, its spec as it was published, but so that its script is a tutorial's plain `fit`.

        The rows come in Keras's own order, and where a training does not diverge nobody looks whether it does:
        Keras's TerminateOnNaN, which the script would have for that, makes a small `fit` a tenth slower.
        """
        file = FILES[name]
        spec = json.loads((SPECS / f"{name}.json").read_text())
        spec["training"]["shuffle"] = "keras"
        if name != DIVERGING:
            spec["training"]["on_nonfinite"] = "continue"
        return Experiment(name, spec, None if file is None else self.directory / file)


@contextmanager
def data(shared: Path) -> Generator[Data]:
    """The tutorials' files in `shared/data`, or where there are none generated ones, which go with the block."""
    if (shared / "data").is_dir():
        yield Data(shared / "data", generated=False)
        return
    with TemporaryDirectory(prefix="stackyard-bench-data-") as directory:
        for file in sorted({file for file in FILES.values() if file is not None}):
            generated.write(Path(directory) / file)
        yield Data(Path(directory), generated=True)
