"""The backend of jobs over HTTP. No worker runs, so every job stays queued."""

import pytest

from models import JobState
from tests import attempt_factories
from tests.factories import build_registration, iris_spec, record_heartbeat

TENSORFLOW = {"run": {"backend": "tensorflow"}}


@pytest.fixture
def check(client):
    def check(**changes):
        response = client.post("/v1/specs/check", json=iris_spec(**changes))
        assert response.status_code == 200, response.text
        return response.json()["backend"]

    return check


def test_a_job_has_the_backend_that_the_check_announces(check, submit):
    for changes in ({}, TENSORFLOW):
        job = submit(**changes)
        assert job["backend"] == check(**changes)["name"]
        assert job["spec"]["run"]["backend"] == changes.get("run", {"backend": "auto"})["backend"]


def test_the_device_that_would_train_a_job_decides_with_auto(check, submit, sessions):
    assert check()["name"] == "jax"
    record_heartbeat(sessions, build_registration("gpu"))
    assert check() == {"name": "tensorflow", "reason": "Jobs on a GPU train on TensorFlow."}
    assert submit()["backend"] == "tensorflow"


def test_a_server_can_choose_another_default(settings, make_client):
    client = make_client(settings.model_copy(update={"default_backend": "tensorflow"}))
    assert client.post("/v1/jobs", json=iris_spec()).json()["backend"] == "tensorflow"
    assert client.post("/v1/jobs", json=iris_spec(run={"backend": "jax"})).json()["backend"] == "jax"
    report = client.post("/v1/specs/check", json=iris_spec()).json()
    assert report["backend"] == {"name": "tensorflow", "reason": "It is the default of this server."}


def test_a_script_selects_the_backend_of_its_job_before_it_imports_keras(client, submit):
    for changes in ({}, TENSORFLOW):
        job = submit(**changes)
        script = client.get(f"/v1/jobs/{job['id']}/script").text
        selection = f'os.environ["KERAS_BACKEND"] = "{job["backend"]}"\n'
        assert script.index(selection) < script.index("import keras")


def test_the_job_of_a_retry_or_of_a_further_training_keeps_the_backend(settings, make_client, sessions):
    client = make_client(settings.model_copy(update={"default_backend": "tensorflow"}))
    job = client.post("/v1/jobs", json=iris_spec()).json()
    attempt_factories.succeed_with_checkpoint(sessions, attempt_factories.claim_job(sessions), 3)
    client = make_client(settings)
    assert client.post("/v1/jobs", json=iris_spec()).json()["backend"] == "jax"
    retried = client.post(f"/v1/jobs/{job['id']}/retry").json()
    continued = client.post(f"/v1/jobs/{job['id']}/continue", json={"epochs": 5}).json()
    assert (retried["state"], continued["state"]) == (JobState.QUEUED, JobState.QUEUED)
    assert (retried["backend"], continued["backend"]) == ("tensorflow", "tensorflow")
