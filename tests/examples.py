"""The specs of `examples/`, and the datasets that some of them need uploaded."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

EXAMPLES = Path(__file__).parents[1] / "examples"
NAMES = sorted(path.stem for path in EXAMPLES.glob("*.json"))


def example(name: str) -> dict[str, Any]:
    return json.loads((EXAMPLES / f"{name}.json").read_text())


def houses(directory: Path) -> Path:
    path = directory / "houses.csv"
    subprocess.run([sys.executable, EXAMPLES / "houses.py", path], check=True, stdout=subprocess.DEVNULL)
    return path


def breast_cancer(directory: Path) -> Path:
    """As `examples/demo.py` writes it."""
    from sklearn.datasets import load_breast_cancer  # noqa: PLC0415 takes seconds, which few tests need

    path = directory / "breast-cancer.csv"
    load_breast_cancer(as_frame=True).frame.rename(columns={"target": "benign"}).to_csv(path, index=False)
    return path


def wine(_directory: Path) -> Path:
    return EXAMPLES / "wine.csv"


UPLOADS = {"houses": houses, "breast-cancer": breast_cancer, "wine": wine}
