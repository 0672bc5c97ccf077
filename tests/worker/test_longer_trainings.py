"""A job that pauses at its `until_epoch`, or is continued after its end, equals an uninterrupted one to the bit."""

import zipfile
from io import BytesIO

import h5py
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from service.db.database import SessionFactory
from service.jobs import retention
from tests.conftest import LOCAL_URL
from tests.factories import iris_spec
from tests.in_process_trainer import Trainer, create_installation

EPOCHS = 5
CALLBACKS = [
    {"type": "EarlyStopping", "monitor": "val_loss", "patience": 50, "restore_best_weights": True},
    {"type": "ReduceLROnPlateau", "monitor": "loss", "patience": 1, "min_delta": 0.5, "factor": 0.5},
]
OPTIMIZER = {"type": "Adam", "learning_rate": 0.05, "use_ema": True, "ema_momentum": 0.9}


@pytest.fixture(scope="module")
def trainer(tmp_path_factory, sqlite_template, broker_url):
    settings = create_installation(tmp_path_factory.mktemp("installation"), sqlite_template, broker_url)
    with TestClient(create_app(settings), base_url=LOCAL_URL) as client:
        yield Trainer(client, settings)


def build_spec(epochs=EPOCHS, *, until_epoch=None, **training):
    arguments = {"epochs": epochs, "optimizer": OPTIMIZER, "callbacks": CALLBACKS} | training
    return iris_spec(training=arguments, run={"until_epoch": until_epoch})


@pytest.fixture(scope="module")
def uninterrupted(trainer):
    """The results of a job that trained all epochs at once."""
    return load_results(trainer.client, trainer.train(build_spec()))


def load_results(client, job_id):
    """Return the history, the evaluation, and the weights of the model and its optimizer, as bytes."""
    job = client.get(f"/v1/jobs/{job_id}").json()
    assert job["state"] == "succeeded", job
    history = client.get(f"/v1/jobs/{job_id}/history", headers={"Accept": "text/csv"}).text
    return history, job["evaluation"], job["metrics"], read_weights(client.get(f"/v1/jobs/{job_id}/model").content)


def read_weights(model):
    weights = {}

    def read_dataset(name, item):
        if isinstance(item, h5py.Dataset):
            weights[name] = item[()].tobytes()

    with zipfile.ZipFile(BytesIO(model)) as archive, h5py.File(BytesIO(archive.read("model.weights.h5"))) as file:
        file.visititems(read_dataset)
    assert weights
    return weights


def test_a_job_that_pauses_twice_equals_an_uninterrupted_one(trainer, uninterrupted):
    client, held = trainer.client, trainer.attempt(build_spec(until_epoch=1))
    for reached, following in ((1, 3), (3, None)):
        assert (held["state"], held["reason"]["code"], held["waiting"]["code"]) == ("paused", *["until_epoch"] * 2)
        assert held["progress"]["epochs_done"] == held["checkpoint"]["epoch"] == reached
        changed = client.patch(f"/v1/jobs/{held['id']}", json={"until_epoch": following}).json()
        assert (changed["state"], changed["until_epoch"]) == ("queued", following)
        held = trainer.run_next_job(held["id"])
    assert load_results(client, held["id"]) == uninterrupted


def test_a_succeeded_job_that_is_continued_equals_an_uninterrupted_one(trainer, uninterrupted):
    client, first_id = trainer.client, trainer.train(build_spec(2))
    first_results = load_results(client, first_id)
    longer = client.post(f"/v1/jobs/{first_id}/continue", json={"epochs": 4}, headers={"Idempotency-Key": "again"})
    assert longer.status_code == 201, longer.text
    repeated = client.post(f"/v1/jobs/{first_id}/continue", json={"epochs": 4}, headers={"Idempotency-Key": "again"})
    assert repeated.json()["id"] == longer.json()["id"]
    assert longer.json()["continued_from"] == first_id
    assert longer.json()["progress"]["epochs_done"] == 2
    assert longer.json()["metrics"] == client.get(f"/v1/jobs/{first_id}").json()["metrics"]

    client.delete(f"/v1/jobs/{first_id}")  # the new job keeps the file of the checkpoint
    second = trainer.run_next_job(longer.json()["id"])
    assert (second["state"], second["attempt"]) == ("succeeded", 1)
    last = client.post(f"/v1/jobs/{second['id']}/continue", json={"epochs": EPOCHS}).json()
    assert f"epochs={EPOCHS}" in client.get(f"/v1/jobs/{last['id']}/script").text
    assert load_results(client, trainer.run_next_job(last["id"])["id"]) == uninterrupted
    assert len(first_results[0].splitlines()) == 3


def test_a_job_that_cannot_be_continued_says_why(trainer):
    def refuse(job_id, epochs=9):
        response = trainer.client.post(f"/v1/jobs/{job_id}/continue", json={"epochs": epochs})
        return response.status_code, response.json()

    trained = trainer.train(build_spec(2))
    status, problem = refuse(trained, 2)
    assert (status, problem["errors"][0]["pointer"]) == (422, "/epochs")
    assert "more than 2" in problem["errors"][0]["message"]
    status, problem = refuse(trained, 10**9)
    assert (status, problem["errors"][0]["pointer"]) == (422, "/epochs")
    stopping = {"type": "EarlyStopping", "monitor": "loss", "min_delta": 1000.0, "patience": 1}
    stopped = trainer.attempt(build_spec(9, callbacks=[stopping]))
    assert stopped["reason"]["code"] == "early_stopping"
    assert refuse(stopped["id"])[1]["code"] == "stopped_early"
    swapping = {"type": "SwapEMAWeights", "swap_on_epoch": True}
    assert refuse(trainer.train(build_spec(1, callbacks=[swapping])))[1]["code"] == "weights_replaced"
    held = trainer.attempt(build_spec(until_epoch=1))
    assert refuse(held["id"])[1]["code"] == "not_succeeded"


def test_a_final_checkpoint_is_deleted_when_it_is_old_and_the_model_stays(trainer):
    client, job_id = trainer.client, trainer.train(build_spec(1))
    checkpoint = client.get(f"/v1/jobs/{job_id}").json()["checkpoint"]
    assert (checkpoint["epoch"], checkpoint["step"]) == (1, 0)
    assert checkpoint["bytes"] > 0
    held = trainer.attempt(build_spec(until_epoch=1))
    sessions = SessionFactory(trainer.settings.resolved_database_url)
    assert retention.delete_final_checkpoints(sessions, days=1) == 0
    assert retention.delete_final_checkpoints(sessions, days=0) > 0
    sessions.dispose()
    assert client.get(f"/v1/jobs/{job_id}").json()["checkpoint"] is None
    assert client.get(f"/v1/jobs/{held['id']}").json()["checkpoint"] is not None
    assert client.get(f"/v1/jobs/{job_id}/model").status_code == 200
    assert client.post(f"/v1/jobs/{job_id}/continue", json={"epochs": 2}).json()["code"] == "no_checkpoint"
