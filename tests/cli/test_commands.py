"""The commands that talk to a server, against a whole one: what a person does between a file and a model."""

import json
import os
import subprocess
import sys
import zipfile

import pytest

SPEC = {
    "name": "by hand",
    "data": {"dataset": "points", "target": {"column": "y"}},
    "network": {"layers": [{"type": "Dense", "units": 1}]},
    "training": {"optimizer": "sgd", "loss": "mse", "batch_size": 4, "epochs": 3, "seed": 0},
}


@pytest.fixture
def stackyard(serve):
    """Runs a command against a server of its own and returns its exit status, output and complaints."""
    url = serve().url()

    def run(*arguments: str) -> tuple[int, str, str]:
        environment = os.environ | {"STACKYARD_URL": url, "COLUMNS": "200"}
        command = [sys.executable, "-m", "stackyard", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, done.stdout, done.stderr

    return run


def test_from_a_file_to_a_model(stackyard, tmp_path):
    table, spec, model = tmp_path / "points.csv", tmp_path / "spec.json", tmp_path / "points.keras"
    table.write_text("x,y\n" + "".join(f"{x},{2 * x}\n" for x in range(12)))
    spec.write_text(json.dumps(SPEC))

    status, output, _ = stackyard("upload", str(table))
    assert status == 0
    assert "points version 1" in output

    status, output, complaint = stackyard("submit", str(spec), "--wait")
    assert status == 0, complaint
    job_id = output.split()[0]
    assert "succeeded" in output
    assert "3 of 3" in output

    assert job_id in stackyard("jobs", "--state", "succeeded")[1]
    assert "by hand" in stackyard("job", job_id)[1]
    assert "epoch" in stackyard("history", job_id)[1]
    assert len(stackyard("history", job_id, "--csv")[1].splitlines()) == 4
    assert stackyard("model", job_id, "-o", str(model))[0] == 0
    assert zipfile.is_zipfile(model)

    spec.write_text(json.dumps(SPEC | {"training": SPEC["training"] | {"epochs": 0}}))
    status, _, complaint = stackyard("submit", str(spec))
    assert status == 1
    assert "/training/epochs" in complaint

    spec.write_text("{")
    assert stackyard("submit", str(spec))[0] == 1
    assert "is not JSON" in stackyard("submit", str(spec))[2]
    assert stackyard("cancel", "no-such-job")[0] == 1
