"""The main job, end to end: real HTTP, real broker, real worker, real Keras."""

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
    """What a script prints on its last line, as JSON; in a process of its own, for it loads keras."""
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
    """A job that goes on until it is stopped; stopped at the end in any case."""
    job_id = server.submit(iris_spec(training={"epochs": 50_000}))
    yield job_id
    server.http.delete(f"/v1/jobs/{job_id}")


@pytest.fixture(scope="module")
def done(server):
    """A job that has succeeded, with a test split."""
    spec = iris_spec(training={"epochs": 12, "shuffle": "keras"})
    spec["data"]["split"]["test"] = {"method": "train_test_split", "train_fraction": 0.8, "seed": 0}
    return server.until_ended(server.submit(spec))


class TestResults:
    def test_the_job_says_how_it_went(self, done):
        assert done["state"] == "succeeded", done
        assert [step["to"] for step in done["transitions"]] == ["queued", "running", "succeeded"]
        assert done["progress"]["epochs_done"] == 12
        assert done["created_at"] <= done["started_at"] <= done["finished_at"]
        assert done["evaluation"]["metrics"].keys() == {"loss", "accuracy"}
        assert done["evaluation"]["nonfinite"] == {}

    def test_the_history_has_every_epoch_once(self, server, done):
        told = server.history(done["id"])
        assert told["epochs"] == list(range(12))
        assert told["metrics"].keys() == {"loss", "accuracy", "val_loss", "val_accuracy"}
        assert all(len(column) == 12 for column in told["metrics"].values())
        best = done["metrics"]["val_loss"]
        assert best["best"] == min(told["metrics"]["val_loss"])
        assert best["last"] == told["metrics"]["val_loss"][-1]
        assert told["metrics"]["val_loss"][best["best_epoch"]] == best["best"]

    def test_a_part_of_the_history(self, server, done):
        told = server.http.get(f"/v1/jobs/{done['id']}/history", params={"from_epoch": 10}).json()
        assert told["epochs"] == [10, 11]

    def test_the_same_history_as_csv(self, server, done):
        response = server.http.get(f"/v1/jobs/{done['id']}/history", headers={"Accept": "text/csv"})
        assert response.headers["Content-Type"].startswith("text/csv")
        rows = list(csv.DictReader(io.StringIO(response.text)))
        told = server.history(done["id"])
        for name, column in told["metrics"].items():
            assert [float(row[name]) for row in rows] == column

    def test_stock_keras_loads_the_model_and_predicts_with_it(self, server, done, tmp_path):
        path = f"/v1/jobs/{done['id']}/model"
        response = server.http.get(path)
        file = tmp_path / "model.keras"
        file.write_bytes(response.content)
        told = run_python("-c", READ_MODEL, str(file), json.dumps([[5.1, 3.5, 1.4, 0.2], [6.7, 3.0, 5.2, 2.3]]))
        assert told["parameters"] == 16 + 40 + 27
        assert [len(row) for row in told["predictions"]] == [3, 3]
        assert sum(told["predictions"][0]) == pytest.approx(1.0, abs=1e-5)

    def test_a_known_model_is_not_sent_again_and_a_part_can_be_asked_for(self, server, done):
        path = f"/v1/jobs/{done['id']}/model"
        whole = server.http.get(path)
        again = server.http.get(path, headers={"If-None-Match": whole.headers["ETag"]})
        part = server.http.get(path, headers={"Range": "bytes=0-3"})
        assert (again.status_code, again.content) == (304, b"")
        assert (part.status_code, part.content) == (206, whole.content[:4])

    def test_the_summary_is_keras_own(self, server, done):
        response = server.http.get(f"/v1/jobs/{done['id']}/summary")
        assert response.headers["Content-Type"].startswith("text/plain")
        assert "batch_normalization (BatchNormalization)" in response.text
        assert "Total params: 2" in response.text

    def test_the_numbers_are_those_of_a_stock_script(self, server, done):
        stock = run_python(str(STOCK))
        told = server.history(done["id"])["metrics"]
        assert told == stock["history"]
        assert done["evaluation"]["metrics"] == stock["evaluation"]


def test_a_running_job_tells_its_progress_and_stops_when_asked(server, long_job):
    running = server.until_running(long_job, epochs=2)
    assert running["state"] == "running"
    assert running["progress"]["seconds_left"] > 0
    assert running["transitions"][-1]["to"] == "running"
    assert server.http.post(f"/v1/jobs/{long_job}/cancel").status_code == 202
    ended = server.until_ended(long_job, within=15)
    assert (ended["state"], ended["reason"]["code"]) == ("cancelled", "cancelled")
    assert len(server.history(long_job)["epochs"]) == ended["progress"]["epochs_done"] >= 2


def test_deleting_a_running_job_frees_its_worker(server, long_job):
    server.until_running(long_job)
    assert server.http.delete(f"/v1/jobs/{long_job}").status_code == 204
    assert server.until_ended(server.submit(iris_spec()))["state"] == "succeeded"


def test_early_stopping_ends_a_job_before_its_last_epoch(server):
    callback = {"type": "EarlyStopping", "monitor": "val_loss", "min_delta": 1000.0, "patience": 2}
    job_id = server.submit(iris_spec(training={"epochs": 50, "callbacks": [callback]}))
    job = server.until_ended(job_id)
    assert job["state"] == "succeeded"
    assert server.history(job_id)["epochs"] == [0, 1, 2]


def test_a_loss_that_is_not_finite_is_an_outcome_and_its_history_is_json(server):
    spec = iris_spec(training={"optimizer": {"type": "SGD", "learning_rate": 1e30}, "loss": "mse", "metrics": []})
    spec["network"]["layers"] = [{"type": "Dense", "units": 8}, {"type": "Dense", "units": 1}]
    job = server.until_ended(server.submit(spec))
    assert (job["state"], job["reason"]["code"]) == ("diverged", "loss_not_finite")
    told = server.history(job["id"])
    [last] = [column[-1] for name, column in told["metrics"].items() if name == "loss"]
    assert last is None
    assert told["nonfinite"]["loss"][str(told["epochs"][-1])] in {"NaN", "Infinity"}
    rows = server.http.get(f"/v1/jobs/{job['id']}/history", headers={"Accept": "text/csv"}).text
    assert rows.splitlines()[-1].split(",")[1] in {"nan", "inf"}
    assert server.http.get(f"/v1/jobs/{job['id']}/model").status_code == 409
