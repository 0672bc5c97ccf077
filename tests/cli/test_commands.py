"""The commands that call a server, from uploading a file to downloading a model, against a whole server."""

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
    """Run a command against a server of its own; return the exit status, the output and the error output."""
    url = serve().wait_for_url()

    def run(*arguments: str) -> tuple[int, str, str]:
        environment = os.environ | {"STACKYARD_URL": url, "COLUMNS": "200"}
        command = [sys.executable, "-m", "stackyard", *arguments]
        process = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        return process.returncode, process.stdout, process.stderr

    return run


@pytest.mark.exhaustive
def test_the_commands_lead_from_a_file_to_a_model(stackyard, tmp_path):
    table, spec, model = tmp_path / "points.csv", tmp_path / "spec.json", tmp_path / "points.keras"
    table.write_text("x,y\n" + "".join(f"{x},{2 * x}\n" for x in range(12)))
    spec.write_text(json.dumps(SPEC))

    status, output, _ = stackyard("upload", str(table))
    assert status == 0
    assert "points version 1" in output
    assert "commas between fields, decimal points, a header" in output

    status, output, errors = stackyard("datasets", "show", "points", "--rows", "2")
    assert status == 0, errors
    assert ["0", "0"] in [line.split() for line in output.splitlines()]

    status, output, errors = stackyard("submit", str(spec), "--wait")
    assert status == 0, errors
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
    status, _, errors = stackyard("submit", str(spec))
    assert status == 1
    assert "/training/epochs" in errors

    spec.write_text("{")
    assert stackyard("submit", str(spec))[0] == 1
    assert "is not JSON" in stackyard("submit", str(spec))[2]
    assert stackyard("cancel", "no-such-job")[0] == 1
