"""The seven experiments, posted unchanged, against their own scripts of stock Keras run in processes of their own.

The scripts of the long ones train for their first epochs only, as a job's epochs do not depend on how many follow;
`make reproduce` runs them all whole.
"""

import csv
import io
import os
import re
import subprocess
import sys

import pytest

from tests.conftest import shared

# A server of its own, beside the other end-to-end tests': these take minutes.
pytestmark = pytest.mark.xdist_group("experiments")

FILES = {
    "red-wine": "red-wine.csv",
    "concrete-plain": "concrete.csv",
    "concrete-batchnorm": "concrete.csv",
    "spotify": "spotify.csv",
    "mnist-plain": "mnist.npz",
    "mnist-dropout": "mnist.npz",
}

FIRST_EPOCHS = {
    "red-wine": 8,
    "concrete-batchnorm": 20,
    "spotify": 15,
    "mnist-plain": 2,
    "mnist-dropout": 2,
    "iris-batchnorm": 30,
}


def shortened(script: str, name: str) -> str:
    """The script, with fewer epochs where it has many."""
    if name not in FIRST_EPOCHS:
        return script
    short = re.sub(r"\n    epochs=\d+,", f"\n    epochs={FIRST_EPOCHS[name]},", script)
    assert short != script
    return short


def reached(name, job, history) -> bool:
    """Whether the job is as good as the tutorial says, with room for another machine's arithmetic."""
    match name:
        case "concrete-plain":
            return job["state"] == "diverged" and job["reason"]["epoch"] == 0
        case "concrete-batchnorm":
            return min(history["val_loss"]) < 4.7
        case "red-wine":
            return history["val_loss"][-1] < 0.65
        case "spotify":
            return min(history["val_loss"]) < 0.2
        case "iris-batchnorm":
            return job["evaluation"]["metrics"]["accuracy"] > 0.9
        case _:
            return job["evaluation"]["metrics"]["accuracy"] > 0.965


@pytest.mark.parametrize("name", [*FILES, "iris-batchnorm"])
def test_an_experiment_is_its_script_to_the_bit(name, server, tmp_path):
    spec = shared(f"specs/{name}.json").read_bytes()
    data = []
    if name in FILES:
        path = shared(f"data/{FILES[name]}")
        media_type = "application/x-npz" if path.suffix == ".npz" else "text/csv"
        server.upload(path.stem, path, media_type)
        data = [str(path)]
    job_id = server.submit(spec)
    job = server.until_ended(job_id, within=600)  # from then on its script knows on how many threads it ran
    script = tmp_path / "train.py"
    script.write_text(shortened(server.http.get(f"/v1/jobs/{job_id}/script").raise_for_status().text, name))
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    result = subprocess.run(
        [sys.executable, script, *data], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr[-2000:]
    told = server.http.get(f"/v1/jobs/{job_id}/history", headers={"Accept": "text/csv"}).text
    ours, stock = columns(told), columns((tmp_path / "history.csv").read_text())
    assert ours.keys() == stock.keys()
    assert len(stock["loss"]) == FIRST_EPOCHS.get(name, len(ours["loss"]))
    for column, values in stock.items():
        assert ours[column][: len(values)] == pytest.approx(values, rel=0, abs=0, nan_ok=True), column
    assert reached(name, job, ours), job


def columns(text: str) -> dict[str, list[float]]:
    rows = list(csv.DictReader(io.StringIO(text)))
    return {name: [float(row[name]) for row in rows] for name in rows[0]}
