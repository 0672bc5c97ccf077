"""Predictions of a trained job by the command line and by the Python client."""

import csv
import io
import json
import os
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_iris

from api.http import body_examples
from stackyard.client import Client, ProblemError
from tests.conftest import require_shared_file
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
    """Rows of every class, with the target."""
    return load_iris(as_frame=True).frame.iloc[::10]


@pytest.fixture
def stackyard(server):
    """A function that runs a command and returns its exit status, output and errors."""

    def run_command(*arguments):
        environment = os.environ | {"STACKYARD_URL": str(server.http.base_url), "COLUMNS": "200"}
        command = [sys.executable, "-m", "stackyard", *arguments]
        process = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
        return process.returncode, process.stdout, process.stderr

    return run_command


class TestClient:
    def test_objects_and_a_file_give_the_same(self, client, job_id, flowers):
        predictions = client.predict(job_id, flowers.to_dict("records"))
        assert predictions == client.predict(job_id, flowers.to_csv(index=False).encode())
        assert (predictions.target, predictions.classes) == (["target"], [0, 1, 2])
        assert [max(range(3), key=scores.__getitem__) for scores in predictions.scores] == predictions.predictions
        correct = sum(predictions.predictions[row] == target for row, target in enumerate(flowers["target"]))
        assert correct >= 10, f"{correct} of {len(flowers)}"

    def test_a_data_frame_is_predicted_like_its_records(self, client, job_id, flowers):
        expected = client.predict(job_id, flowers.to_dict("records"))
        assert client.predict(job_id, flowers.convert_dtypes()) == expected
        assert client.predict(job_id, flowers.astype("float32").astype("float64")).predictions == expected.predictions
        assert client.predict_csv(job_id, flowers) == client.predict_csv(job_id, flowers.to_dict("records"))

    def test_missing_values_of_a_data_frame_are_null(self, client, job_id, flowers):
        expected = client.predict(job_id, flowers)
        for missing in (float("nan"), None, pd.NA, pd.NaT):
            assert client.predict(job_id, flowers.assign(target=missing)) == expected
        with pytest.raises(ProblemError) as caught:
            client.predict(job_id, flowers.assign(**{"petal width (cm)": float("nan")}).head(1))
        assert [fault.pointer for fault in caught.value.problem.errors] == ["/rows/0/petal width (cm)"]

    def test_rows_may_have_scalars_and_times(self, client, job_id, flowers):
        expected = client.predict(job_id, flowers)
        rows = [
            {name: np.float64(value) for name, value in row.items()} | {"target": np.float32("nan")}
            for row in flowers.to_dict("records")
        ]
        assert client.predict(job_id, rows) == expected
        assert client.predict(job_id, flowers.assign(target=pd.Timestamp("2026-11-30"))) == expected

    def test_the_examples_of_the_documentation_are_predicted(self, client, job_id):
        expected = client.predict(job_id, body_examples.ROWS["rows"])
        assert client.predict(job_id, body_examples.ROWS_CSV.encode()) == expected
        assert (expected.predictions, expected.unknown) == ([0], [])

    def test_the_answer_as_csv(self, client, job_id, flowers):
        rows = list(csv.DictReader(io.StringIO(client.predict_csv(job_id, flowers.to_dict("records")))))
        assert [row["target"] for row in rows] == [
            str(label) for label in client.predict(job_id, flowers.to_dict("records")).predictions
        ]

    def test_a_wrong_value_is_located(self, client, job_id, flowers):
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
        status, output, errors = stackyard("predict", job_id, str(file))
        assert status == 0, errors
        header, *lines = output.splitlines()
        assert header.split() == ["row", "target", "score", "0", "score", "1", "score", "2"]
        predictions = client.predict(job_id, flowers.to_dict("records"))
        assert [line.split()[:2] for line in lines] == [
            [str(row), str(label)] for row, label in enumerate(predictions.predictions)
        ]

    @pytest.mark.parametrize("document", [lambda rows: rows, lambda rows: {"rows": rows}])
    def test_json_to_json(self, stackyard, client, job_id, flowers, tmp_path, document):
        file, rows = tmp_path / "flowers.json", flowers.to_dict("records")
        file.write_text(json.dumps(document(rows)))
        status, output, errors = stackyard("predict", job_id, str(file), "--json")
        assert status == 0, errors
        assert json.loads(output)["predictions"] == client.predict(job_id, rows).predictions

    def test_csv_to_csv(self, stackyard, client, job_id, flowers, tmp_path):
        file = tmp_path / "flowers.csv"
        flowers.to_csv(file, index=False)
        status, output, _ = stackyard("predict", job_id, str(file), "--csv")
        assert (status, output) == (0, client.predict_csv(job_id, flowers.to_dict("records")))

    def test_an_error_message_has_the_position_of_the_value(self, stackyard, job_id, tmp_path):
        file = tmp_path / "flowers.csv"
        file.write_text("sepal length (cm),sepal width (cm),petal length (cm),petal width (cm)\n1,2,3,four\n")
        status, _, errors = stackyard("predict", job_id, str(file))
        assert status == 1
        assert "/rows/0/petal width (cm)" in errors
        assert "line 2" in errors

    @pytest.mark.parametrize(("content", "message"), [("{", "neither"), ("{}", "no rows"), (None, "Cannot read")])
    def test_a_file_without_rows_is_not_sent(self, stackyard, job_id, tmp_path, content, message):
        file = tmp_path / "rows.json"
        if content is not None:
            file.write_text(content)
        status, _, errors = stackyard("predict", job_id, str(file))
        assert status == 1
        assert message in errors


def test_errors_on_validation_rows_equal_the_job_s_evaluation(server, client):
    spec = json.loads(require_shared_file("specs/red-wine.json").read_bytes())
    spec["training"]["epochs"] = 2
    server.upload_dataset("red-wine", require_shared_file("data/red-wine.csv"))
    job = server.until_ended(server.submit(spec))
    assert job["state"] == "succeeded", job
    wines = pd.read_csv(require_shared_file("data/red-wine.csv"))
    validation = wines.drop(wines.sample(frac=0.7, random_state=0).index)
    predictions = client.predict(job["id"], validation.to_dict("records"))
    errors = validation["quality"].to_numpy() - predictions.predictions
    [residuals] = job["evaluation"]["residuals"]
    assert (predictions.target, residuals["count"]) == (["quality"], len(validation))
    assert abs(errors).mean() == pytest.approx(residuals["mean_absolute"], rel=1e-6)
