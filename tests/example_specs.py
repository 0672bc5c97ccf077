"""The specs of `examples/`, and the datasets that some of them need."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parents[1] / "examples"
EXAMPLE_NAMES = sorted(path.stem for path in EXAMPLES.glob("*.json"))


def load_example(name: str) -> dict[str, Any]:
    return json.loads((EXAMPLES / f"{name}.json").read_text())


def write_houses(directory: Path) -> Path:
    path = directory / "houses.csv"
    subprocess.run([sys.executable, EXAMPLES / "houses.py", path], check=True, stdout=subprocess.DEVNULL)
    return path


def write_breast_cancer(directory: Path) -> Path:
    """Write the file that `examples/demo.py` uploads; return its path."""
    from sklearn.datasets import load_breast_cancer  # noqa: PLC0415 loads slowly, and few tests need it

    path = directory / "breast-cancer.csv"
    load_breast_cancer(as_frame=True).frame.rename(columns={"target": "benign"}).to_csv(path, index=False)
    return path


def locate_wine(_directory: Path) -> Path:
    return EXAMPLES / "wine.csv"


UPLOADS = {"houses": write_houses, "breast-cancer": write_breast_cancer, "wine": locate_wine}
"""The function that returns the file of each uploaded dataset, by the name of the dataset."""
