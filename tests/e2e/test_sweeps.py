"""Sweeps whose trials real workers train."""

import io
import zipfile

import pytest
from fastapi.testclient import TestClient

from api.app import create_app
from tests.conftest import LOCAL_URL
from tests.factories import iris_spec
from tests.in_process_trainer import Trainer, create_installation
from tests.polling import wait_until
from tests.service.sweeps.sweep_lab import build_sweep


@pytest.fixture(scope="module")
def trainer(tmp_path_factory, sqlite_template, broker_url):
    settings = create_installation(tmp_path_factory.mktemp("sweeps"), sqlite_template, broker_url)
    with TestClient(create_app(settings), LOCAL_URL) as client:
        yield Trainer(client, settings)


def read_weights(client, job_id):
    content = client.get(f"/v1/jobs/{job_id}/model").raise_for_status().content
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return archive.read("model.weights.h5")


def test_a_promoted_trial_has_the_bits_of_an_uninterrupted_job(trainer):
    base = iris_spec(training={"epochs": 4, "shuffle": True})
    sweep = build_sweep(base=base, halving={"eta": 2, "from_epoch": 1}, budget={"trials": 4})
    sweep_id = trainer.client.post("/v1/sweeps", json=sweep).json()["id"]
    while (view := trainer.client.get(f"/v1/sweeps/{sweep_id}").json())["state"] == "running":
        trainer.run_next_job(sweep_id)
    assert (view["state"], view["counts"]["complete"], view["counts"]["halted"]) == ("succeeded", 1, 3)
    best = trainer.client.get(f"/v1/sweeps/{sweep_id}/best").json()
    promoted = trainer.client.get(best["links"]["job"]).json()
    assert [report["epoch"] for report in best["trial"]["reports"]] == [1, 2, 4]
    assert promoted["attempt"] == 3

    undisturbed = trainer.train(promoted["spec"] | {"run": {}})

    histories = [trainer.client.get(f"/v1/jobs/{job}/history").json() for job in (best["job"], undisturbed)]
    assert histories[0] == histories[1]
    assert read_weights(trainer.client, best["job"]) == read_weights(trainer.client, undisturbed)


@pytest.mark.exhaustive
@pytest.mark.xdist_group("server")
def test_a_server_runs_a_sweep_to_its_end(server):
    sweep = build_sweep(search={"method": "tpe", "seed": 1}, budget={"trials": 12}, repeats={"count": 2, "of_top": 1})
    sweep_id = server.http.post("/v1/sweeps", json=sweep).raise_for_status().json()["id"]

    def find_ended_sweep():
        view = server.http.get(f"/v1/sweeps/{sweep_id}").json()
        return view if view["state"] != "running" else None

    view = wait_until(find_ended_sweep, within=180)
    assert (view["state"], view["counts"]["complete"]) == ("succeeded", 12)
    ranking = server.http.get(f"/v1/sweeps/{sweep_id}/results").json()["ranking"]
    assert (ranking[0]["number"], ranking[0]["estimate"]["n"]) == (view["best"]["trial"], 2)
