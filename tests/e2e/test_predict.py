"""From a training to predictions, as people and programs come to them: the command line and the client."""

import csv
import io
import json
import os
import subprocess
import sys

import pandas as pd
import pytest
from sklearn.datasets import load_iris

from stackyard.client import Client, ProblemError
from tests.conftest import shared
from tests.factories import iris_spec

pytestmark = pytest.mark.xdist_group("server")


@pytest.fixture(scope="module")
def client(server):
    with Client(str(server.http.base_url)) as client:
        yield client


@pytest.fixture(scope="module")
def job_id(server):
    job_id = server.submit(iris_spec(training={"epochs": 60}))
    assert server.until_ended(job_id)["state"] == "succeeded"
    return job_id


@pytest.fixture(scope="module")
def flowers():
    """Whole rows, the target among them, from every class."""
    return load_iris(as_frame=True).frame.iloc[::10]


@pytest.fixture
def stackyard(server):
    """Runs a command and returns its exit status, output and complaints."""

    def run(*arguments):
        environment = os.environ | {"STACKYARD_URL": str(server.http.base_url), "COLUMNS": "200"}
        command = [sys.executable, "-m", "stackyard", *arguments]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        return done.returncode, done.stdout, done.stderr

    return run


class TestClient:
    def test_objects_and_a_file_give_the_same(self, client, job_id, flowers):
        told = client.predict(job_id, flowers.to_dict("records"))
        assert told == client.predict(job_id, flowers.to_csv(index=False).encode())
        assert (told.target, told.classes) == (["target"], [0, 1, 2])
        assert [max(range(3), key=scores.__getitem__) for scores in told.scores] == told.predictions
        right = sum(told.predictions[row] == target for row, target in enumerate(flowers["target"]))
        assert right >= 10, f"{right} of {len(flowers)}"

    def test_the_answer_as_csv(self, client, job_id, flowers):
        rows = list(csv.DictReader(io.StringIO(client.predict_csv(job_id, flowers.to_dict("records")))))
        assert [row["target"] for row in rows] == [
            str(label) for label in client.predict(job_id, flowers.to_dict("records")).predictions
        ]

    def test_a_wrong_row_is_named(self, client, job_id, flowers):
        rows = flowers.to_dict("records")
        rows[3]["sepal length (cm)"] = "long"
        with pytest.raises(ProblemError) as refused:
            client.predict(job_id, rows)
        [fault] = refused.value.problem.errors
        assert (fault.pointer, fault.received) == ("/rows/3/sepal length (cm)", "long")


class TestCommand:
    def test_a_table_of_predictions(self, stackyard, client, job_id, flowers, tmp_path):
        file = tmp_path / "flowers.csv"
        flowers.to_csv(file, index=False)
        status, output, complaint = stackyard("predict", job_id, str(file))
        assert status == 0, complaint
        header, *lines = output.splitlines()
        assert header.split() == ["row", "target", "score", "0", "score", "1", "score", "2"]
        told = client.predict(job_id, flowers.to_dict("records"))
        assert [line.split()[:2] for line in lines] == [
            [str(row), str(label)] for row, label in enumerate(told.predictions)
        ]

    @pytest.mark.parametrize("document", [lambda rows: rows, lambda rows: {"rows": rows}])
    def test_json_to_json(self, stackyard, client, job_id, flowers, tmp_path, document):
        file, rows = tmp_path / "flowers.json", flowers.to_dict("records")
        file.write_text(json.dumps(document(rows)))
        status, output, complaint = stackyard("predict", job_id, str(file), "--json")
        assert status == 0, complaint
        assert json.loads(output)["predictions"] == client.predict(job_id, rows).predictions

    def test_csv_to_csv(self, stackyard, client, job_id, flowers, tmp_path):
        file = tmp_path / "flowers.csv"
        flowers.to_csv(file, index=False)
        status, output, _ = stackyard("predict", job_id, str(file), "--csv")
        assert (status, output) == (0, client.predict_csv(job_id, flowers.to_dict("records")))

    def test_what_is_wrong_is_said_with_its_place(self, stackyard, job_id, tmp_path):
        file = tmp_path / "flowers.csv"
        file.write_text("sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)\n1,2,3,four\n")
        status, _, complaint = stackyard("predict", job_id, str(file))
        assert status == 1
        assert "/rows/0/petal width (cm)" in complaint
        assert "line 2" in complaint

    @pytest.mark.parametrize(("content", "message"), [("{", "neither"), ("{}", "no rows"), (None, "Cannot read")])
    def test_a_file_without_rows_is_not_sent(self, stackyard, job_id, tmp_path, content, message):
        file = tmp_path / "rows.json"
        if content is not None:
            file.write_text(content)
        status, _, complaint = stackyard("predict", job_id, str(file))
        assert status == 1
        assert message in complaint


def test_rows_of_the_validation_err_as_the_job_says(server, client):
    spec = json.loads(shared("specs/red-wine.json").read_bytes())
    spec["training"]["epochs"] = 2
    server.upload("red-wine", shared("data/red-wine.csv"))
    job = server.until_ended(server.submit(spec))
    assert job["state"] == "succeeded", job
    wines = pd.read_csv(shared("data/red-wine.csv"))
    validation = wines.drop(wines.sample(frac=0.7, random_state=0).index)
    told = client.predict(job["id"], validation.to_dict("records"))
    errors = validation["quality"].to_numpy() - told.predictions
    [residuals] = job["evaluation"]["residuals"]
    assert (told.target, residuals["count"]) == (["quality"], len(validation))
    assert abs(errors).mean() == pytest.approx(residuals["mean_absolute"], rel=1e-6)
