"""A job that is evaluated on a separate test dataset, from the submit to the script."""

import numpy as np
import pandas as pd
import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from tests.conftest import LOCAL_URL
from tests.in_process_trainer import Trainer, create_installation

SPEC = {
    "data": {
        "dataset": "sales",
        "test_dataset": "sales-of-may",
        "target": {"column": "price", "transform": "log1p"},
        "features": [{"select": "numeric", "transform": "standard"}],
        "exclude": ["id"],
    },
    "network": {"layers": [{"type": "Dense", "units": 1}]},
    "training": {"loss": "mse", "epochs": 2, "seed": 0},
}


@pytest.fixture(scope="module")
def trainer(tmp_path_factory, sqlite_template, broker_url):
    installation = create_installation(tmp_path_factory.mktemp("test-set"), sqlite_template, broker_url)
    with TestClient(create_app(installation), LOCAL_URL, raise_server_exceptions=False) as client:
        yield Trainer(client, installation)


def test_a_job_is_evaluated_on_its_test_dataset(trainer):
    generator = np.random.default_rng(0)
    frame = pd.DataFrame({"id": range(50), "size": generator.normal(5, 2, 50), "price": generator.lognormal(1, 1, 50)})
    for name, rows in (("sales", frame[:40]), ("sales-of-may", frame[40:].drop(columns="id"))):
        trainer.upload(name, rows.to_csv(index=False).encode())
    client = trainer.client
    report = client.post("/v1/specs/check", json=SPEC).json()
    assert report["rows"] == {"total": 40, "train": 40, "validation": 0, "test": 10}

    job = trainer.attempt(SPEC)
    assert job["state"] == "succeeded", job
    assert (job["test_dataset"]["name"], job["test_dataset"]["version"]) == ("sales-of-may", 1)
    assert job["test_dataset"] == report["test_dataset"]
    evaluation = job["evaluation"]
    assert (evaluation["on"], evaluation["rows"]) == ("test", 10)
    rows = frame[40:][["size"]].to_dict("records")
    predicted = client.post(f"/v1/jobs/{job['id']}/predict", json={"rows": rows}).json()["predictions"]
    [residuals] = evaluation["residuals"]
    pairs = np.array(residuals["pairs"])
    assert pairs[:, 0] == pytest.approx(frame["price"][40:], rel=1e-6)
    assert pairs[:, 1] == pytest.approx(predicted, rel=1e-6)

    script = client.get(f"/v1/jobs/{job['id']}/script").text
    assert "test = pd.read_csv(sys.argv[2])" in script
    deleted = client.delete(f"/v1/datasets/{job['test_dataset']['id']}")
    assert deleted.status_code == 204
    assert client.get(f"/v1/jobs/{job['id']}").json()["test_dataset"]["id"] is None
    assert client.get(f"/v1/jobs/{job['id']}/script").status_code == 409
    assert client.post(f"/v1/jobs/{job['id']}/retry").status_code == 409


def test_an_unknown_test_dataset_is_named(trainer):
    spec = SPEC | {"data": SPEC["data"] | {"dataset": "builtin:iris", "test_dataset": "builtin:irish"}}
    for path in ("/v1/specs/check", "/v1/jobs"):
        response = trainer.client.post(path, json=spec)
        assert response.status_code == 422
        [error] = response.json()["errors"]
        assert error["pointer"] == "/data/test_dataset"
        assert "builtin:iris" in error["message"]
