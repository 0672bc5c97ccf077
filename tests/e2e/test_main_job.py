"""A job end to end, with a real server, broker and worker."""

import csv
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.factories import iris_spec

pytestmark = pytest.mark.xdist_group("server")

STOCK = Path(__file__).parent / "stock_iris.py"
READ_MODEL = """
import json, sys
import keras, numpy
network = keras.models.load_model(sys.argv[1], safe_mode=True)
rows = numpy.array(json.loads(sys.argv[2]), "float32")
print(json.dumps({"parameters": network.count_params(), "predictions": network.predict(rows, verbose=0).tolist()}))
"""


def run_python(*arguments: str) -> dict:
    """Run Python in another process, because it loads Keras; return the JSON on the last line of its output."""
    environment = os.environ | {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}
    result = subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    )
    return json.loads(result.stdout.splitlines()[-1])


@pytest.fixture
def long_job(server):
    """A job that runs until it is deleted at the end of the test."""
    job_id = server.submit(iris_spec(training={"epochs": 50_000}))
    yield job_id
    server.http.delete(f"/v1/jobs/{job_id}")


@pytest.fixture(scope="module")
def finished_job(server):
    """A succeeded job with a test split."""
    spec = iris_spec(training={"epochs": 12, "shuffle": "keras"})
    spec["data"]["split"]["test"] = {"method": "train_test_split", "train_fraction": 0.8, "seed": 0}
    return server.until_ended(server.submit(spec))


class TestResults:
    def test_the_job_records_its_progress_and_evaluation(self, finished_job):
        assert finished_job["state"] == "succeeded", finished_job
        assert [step["to"] for step in finished_job["transitions"]] == ["queued", "running", "succeeded"]
        assert finished_job["progress"]["epochs_done"] == 12
        assert finished_job["created_at"] <= finished_job["started_at"] <= finished_job["finished_at"]
        assert finished_job["evaluation"]["metrics"].keys() == {"loss", "accuracy"}
        assert finished_job["evaluation"]["nonfinite"] == {}

    def test_the_history_has_every_epoch_once(self, server, finished_job):
        history = server.get_history(finished_job["id"])
        assert history["epochs"] == list(range(12))
        assert history["metrics"].keys() == {"loss", "accuracy", "val_loss", "val_accuracy"}
        assert all(len(column) == 12 for column in history["metrics"].values())
        best = finished_job["metrics"]["val_loss"]
        assert best["best"] == min(history["metrics"]["val_loss"])
        assert best["last"] == history["metrics"]["val_loss"][-1]
        assert history["metrics"]["val_loss"][best["best_epoch"]] == best["best"]

    def test_the_history_starts_at_the_requested_epoch(self, server, finished_job):
        history = server.http.get(f"/v1/jobs/{finished_job['id']}/history", params={"from_epoch": 10}).json()
        assert history["epochs"] == [10, 11]

    def test_the_same_history_as_csv(self, server, finished_job):
        response = server.http.get(f"/v1/jobs/{finished_job['id']}/history", headers={"Accept": "text/csv"})
        assert response.headers["Content-Type"].startswith("text/csv")
        rows = list(csv.DictReader(io.StringIO(response.text)))
        history = server.get_history(finished_job["id"])
        for name, column in history["metrics"].items():
            assert [float(row[name]) for row in rows] == column

    def test_stock_keras_loads_the_model_and_predicts_with_it(self, server, finished_job, tmp_path):
        path = f"/v1/jobs/{finished_job['id']}/model"
        response = server.http.get(path)
        file = tmp_path / "model.keras"
        file.write_bytes(response.content)
        output = run_python("-c", READ_MODEL, str(file), json.dumps([[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]]))
        assert output["parameters"] == 16 + 40 + 27
        assert [len(row) for row in output["predictions"]] == [3, 3]
        assert sum(output["predictions"][0]) == pytest.approx(1.0, abs=1e-5)

    def test_the_model_supports_conditional_and_range_requests(self, server, finished_job):
        path = f"/v1/jobs/{finished_job['id']}/model"
        whole = server.http.get(path)
        again = server.http.get(path, headers={"If-None-Match": whole.headers["ETag"]})
        part = server.http.get(path, headers={"Range": "bytes=0-3"})
        assert (again.status_code, again.content) == (304, b"")
        assert (part.status_code, part.content) == (206, whole.content[:4])

    def test_the_summary_is_that_of_keras(self, server, finished_job):
        response = server.http.get(f"/v1/jobs/{finished_job['id']}/summary")
        assert response.headers["Content-Type"].startswith("text/plain")
        assert "batch_normalization (BatchNormalization)" in response.text
        assert "Total params: 2" in response.text

    def test_the_metrics_equal_those_of_a_stock_script(self, server, finished_job):
        stock = run_python(str(STOCK))
        history = server.get_history(finished_job["id"])["metrics"]
        assert history == stock["history"]
        assert finished_job["evaluation"]["metrics"] == stock["evaluation"]


def test_a_running_job_reports_its_progress_and_can_be_cancelled(server, long_job):
    running = server.until_running(long_job, epochs=2)
    assert running["state"] == "running"
    assert running["progress"]["seconds_left"] > 0
    assert running["transitions"][-1]["to"] == "running"
    assert server.http.post(f"/v1/jobs/{long_job}/cancel").status_code == 202
    ended = server.until_ended(long_job, within=15)
    assert (ended["state"], ended["reason"]["code"]) == ("cancelled", "cancelled")
    assert len(server.get_history(long_job)["epochs"]) == ended["progress"]["epochs_done"] >= 2


def test_deleting_a_running_job_frees_its_worker(server, long_job):
    server.until_running(long_job)
    assert server.http.delete(f"/v1/jobs/{long_job}").status_code == 204
    assert server.until_ended(server.submit(iris_spec()))["state"] == "succeeded"


def test_early_stopping_ends_a_job_before_its_last_epoch(server):
    callback = {"type": "EarlyStopping", "monitor": "val_loss", "min_delta": 1000.0, "patience": 2}
    job_id = server.submit(iris_spec(training={"epochs": 50, "callbacks": [callback]}))
    job = server.until_ended(job_id)
    assert job["state"] == "succeeded"
    assert server.get_history(job_id)["epochs"] == [0, 1, 2]
    reason = job["reason"]
    assert (reason["code"], reason["epoch"], reason["weights_epoch"]) == ("early_stopping", 2, 2)
    assert reason["message"] == (
        "EarlyStopping on val_loss stopped the training after 3 of 50 epochs. "
        "The model has the weights of the last epoch."
    )


def test_a_running_job_is_finished_and_keeps_its_model(server, long_job):
    server.until_running(long_job, epochs=2)
    assert server.http.post(f"/v1/jobs/{long_job}/finish").status_code == 202
    job = server.until_ended(long_job, within=15)
    assert (job["state"], job["reason"]["code"], job["finish_requested"]) == ("succeeded", "finished", True)
    epochs = server.get_history(long_job)["epochs"]
    assert len(epochs) == job["progress"]["epochs_done"] == job["reason"]["epoch"] + 1 < job["progress"]["epochs"]
    assert job["evaluation"]["metrics"]
    assert server.http.get(f"/v1/jobs/{long_job}/model").status_code == 200


def test_a_loss_that_is_not_finite_is_an_outcome_and_its_history_is_json(server):
    spec = iris_spec(training={"optimizer": {"type": "SGD", "learning_rate": 1e30}, "loss": "mse", "metrics": []})
    spec["network"]["layers"] = [{"type": "Dense", "units": 8}, {"type": "Dense", "units": 1}]
    job = server.until_ended(server.submit(spec))
    assert (job["state"], job["reason"]["code"]) == ("diverged", "loss_not_finite")
    history = server.get_history(job["id"])
    [last] = [column[-1] for name, column in history["metrics"].items() if name == "loss"]
    assert last is None
    assert history["nonfinite"]["loss"][str(history["epochs"][-1])] in {"NaN", "Infinity"}
    rows = server.http.get(f"/v1/jobs/{job['id']}/history", headers={"Accept": "text/csv"}).text
    assert rows.splitlines()[-1].split(",")[1] in {"nan", "inf"}
    assert server.http.get(f"/v1/jobs/{job['id']}/model").status_code == 409
