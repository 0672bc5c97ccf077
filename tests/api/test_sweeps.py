"""The routes of sweeps over HTTP; jobs end by functions, without a training."""

import csv
import io
from datetime import timedelta
from uuid import UUID

import pytest

from models import Sweep
from service.db.database import SessionFactory
from service.sweeps import sweep_retention
from tests.service.sweeps.sweep_lab import LEARNING_RATE, SweepLab, build_sweep


def get_loss(job, epoch):
    rate = job.spec["training"]["optimizer"]["learning_rate"]
    return abs(rate - 0.01) + 1 / (epoch + 1)


@pytest.fixture
def lab(client, settings):
    """A factory: submit a sweep over HTTP, and return the means to end its jobs."""
    sessions = SessionFactory(settings.resolved_database_url)

    def submit(**changes) -> SweepLab:
        response = client.post("/v1/sweeps", json=build_sweep(**changes))
        assert response.status_code == 201, response.text
        assert response.headers["Location"] == f"/v1/sweeps/{response.json()['id']}"
        return SweepLab.attach(sessions, response.json()["id"])

    yield submit
    sessions.dispose()


def get(client, lab, path="", status=200, **parameters):
    response = client.get(f"/v1/sweeps/{lab.id}{path}", params=parameters)
    assert response.status_code == status, response.text
    return response.json()


def post(client, lab, path, body=None, status=202):
    response = client.post(f"/v1/sweeps/{lab.id}{path}", json=body)
    assert response.status_code == status, response.text
    return response.json()


def test_a_sweep_from_its_submit_to_its_results(client, lab):
    sweep = lab(name="rates", tags=["night"], budget={"trials": 12})
    view = get(client, sweep)
    assert (view["state"], view["name"], view["tags"], view["method"]) == ("running", "rates", ["night"], "random")
    assert view["objective"] == {"metric": "val_loss", "mode": "min", "at": "best"}
    assert (view["counts"]["waiting"], view["budget"]["used_trials"], view["best"]) == (12, 12, None)
    assert get(client, sweep, "/best", status=404)["code"] == "not_found"
    jobs = client.get("/v1/jobs", params={"sweep": str(sweep.id), "limit": 200}).json()["items"]
    assert {job["sweep"]["trial"] for job in jobs} == set(range(12))
    assert {(job["name"], *job["tags"]) for job in jobs} == {("iris", "night")}

    sweep.run(get_loss)

    view = get(client, sweep)
    assert (view["state"], view["counts"]["complete"], view["ending"]) == ("succeeded", 12, None)
    trials = get(client, sweep, "/trials", limit=200)["items"]
    values = [trial["value"] for trial in trials]
    assert (values, view["best"]) == (sorted(values), {"trial": trials[0]["number"], "value": values[0]})
    best = get(client, sweep, "/best")
    assert (best["trial"], best["links"]["job"]) == (trials[0], f"/v1/jobs/{best['job']}")
    assert client.get(best["links"]["script"]).status_code == 200
    results = get(client, sweep, "/results")
    assert [ranked["estimate"]["mean"] for ranked in results["ranking"]] == values
    assert results["improvements"][-1]["number"] == trials[0]["number"]
    assert [(item["pointer"], item["share"]) for item in results["importances"]] == [(LEARNING_RATE, 1.0)]
    assert (results["cost"]["jobs"], results["cost"]["epochs"]) == (12, 36)


def test_repeats_have_intervals_and_paired_differences(client, lab):
    sweep = lab(repeats=3, budget={"trials": 3})
    noise = [0.0, 0.3, 0.1]
    sweep.run(lambda job, _epoch: [1.0, 1.5, 1.001][job.trial_number] + noise[job.repeat])
    best, close, far = get(client, sweep, "/results")["ranking"]
    assert (best["number"], best["difference"], best["estimate"]["n"]) == (0, None, 3)
    assert best["estimate"]["low"] < best["estimate"]["mean"] < best["estimate"]["high"]
    assert far["difference"]["difference"]["mean"] == pytest.approx(0.5)
    assert (close["number"], far["difference"]["is_distinguishable"]) == (2, True)


def test_trials_come_in_pages_in_either_order(client, lab):
    sweep = lab(budget={"trials": 5})
    sweep.run(get_loss)
    for sort in ("value", "number"):
        numbers, cursor = [], None
        while True:
            parameters = {"sort": sort, "limit": 2} | ({"cursor": cursor} if cursor else {})
            page = get(client, sweep, "/trials", **parameters)
            numbers += [trial["number"] for trial in page["items"]]
            cursor = page["next"]
            if cursor is None:
                break
        assert numbers == [t["number"] for t in get(client, sweep, "/trials", sort=sort)["items"]]
        assert sorted(numbers) == list(range(5))
    page = get(client, sweep, "/trials", sort="value", limit=2)
    problem = get(client, sweep, "/trials", sort="number", cursor=page["next"], status=422)
    assert problem["errors"][0]["pointer"] == "/query/cursor"
    assert get(client, sweep, "/trials", state=["failed", "running"])["items"] == []


def test_the_table_has_all_trials_as_columns_and_as_csv(client, lab):
    sweep = lab(search="grid", space={LEARNING_RATE: [0.1, 0.01], "/network/layers/1/activation": ["relu", "tanh"]})
    sweep.run(get_loss)
    table = get(client, sweep, "/table")
    assert table["parameters"][LEARNING_RATE] == [0.1, 0.1, 0.01, 0.01]
    response = client.get(f"/v1/sweeps/{sweep.id}/table", headers={"Accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(response.text)))
    assert [float(row["value"]) for row in rows] == table["value"]
    assert [row["/network/layers/1/activation"] for row in rows] == ["relu", "tanh"] * 2
    assert [row["job"] for row in rows] == table["job"]


def test_a_repeated_submit_returns_the_first_sweep(client, settings):
    headers = {"Idempotency-Key": "once"}
    first, second = (client.post("/v1/sweeps", json=build_sweep(), headers=headers).json() for _ in range(2))
    assert first["id"] == second["id"]
    other = client.post("/v1/sweeps", json=build_sweep(name="other"), headers=headers)
    assert (other.status_code, other.json()["code"]) == (409, "idempotency_key_reused")
    assert len(client.get("/v1/sweeps").json()["items"]) == 1
    sessions = SessionFactory(settings.resolved_database_url)
    with sessions.begin() as session:
        session.get_one(Sweep, UUID(first["id"])).created_at -= timedelta(days=2)
        sweep_retention.forget_expired_keys(session)
    sessions.dispose()
    assert client.post("/v1/sweeps", json=build_sweep(name="other"), headers=headers).status_code == 201


def test_an_invalid_sweep_is_refused_with_pointers(client):
    response = client.post("/v1/sweeps", json=build_sweep(space={"/training/optimiser/learning_rate": [1, 2]}))
    assert response.status_code == 422
    assert response.json()["errors"][0]["pointer"].startswith("/space/")
    assert client.get("/v1/sweeps").json()["items"] == []


def test_controls_of_a_sweep(client, lab):
    sweep = lab(max_concurrent=2, budget={"trials": 4})
    assert post(client, sweep, "/pause")["state"] == "paused"
    assert post(client, sweep, "/pause")["state"] == "paused"
    assert sweep.claim() is None
    assert post(client, sweep, "/resume")["counts"]["waiting"] == 2
    sweep.train(sweep.claim(), get_loss)
    running = sweep.claim()
    assert get(client, sweep)["counts"]["running"] == 1
    view = post(client, sweep, "/cancel")
    assert (view["state"], view["ending"]["code"], view["counts"]["running"]) == ("running", "cancelled", 1)
    assert post(client, sweep, "/pause", status=409)["code"] == "already_finished"
    sweep.end_cancelled_attempts()
    view = get(client, sweep)
    assert (view["state"], view["counts"]["complete"], view["counts"]["halted"]) == ("cancelled", 1, 1)
    assert running is not None
    assert post(client, sweep, "/cancel")["state"] == "cancelled"
    assert post(client, sweep, "/resume", status=409)["code"] == "already_finished"


def test_a_larger_budget_lets_a_running_sweep_go_on(client, lab):
    sweep = lab(max_concurrent=2, budget={"trials": 2})
    sweep.claim()
    response = client.patch(
        f"/v1/sweeps/{sweep.id}", json={"budget": {"trials": 5}, "max_concurrent": 3, "priority": 8, "name": "more"}
    )
    view = response.json()
    assert (view["budget"]["trials"], view["name"], view["priority"]) == (5, "more", 8)
    assert (view["counts"]["waiting"], view["counts"]["running"]) == (2, 1)
    assert {job.priority for job in sweep.list_jobs()} == {8}
    invalid = client.patch(f"/v1/sweeps/{sweep.id}", json={"budget": {"trials": 0}})
    assert (invalid.status_code, invalid.json()["errors"][0]["pointer"]) == (422, "/budget/trials")


def test_deleting_a_sweep_deletes_its_jobs_or_keeps_those_that_ended(client, lab):
    kept, deleted = lab(budget={"trials": 2}), None
    kept.train(kept.claim(), get_loss)
    kept.advance()
    [ended] = [job for job in kept.list_jobs() if job.finished_at]
    assert client.delete(f"/v1/sweeps/{kept.id}", params={"keep_jobs": True}).status_code == 204
    jobs = client.get("/v1/jobs").json()["items"]
    assert [(job["id"], job["sweep"]) for job in jobs] == [(str(ended.id), None)]
    deleted = lab(budget={"trials": 2})
    assert client.delete(f"/v1/sweeps/{deleted.id}").status_code == 204
    assert len(client.get("/v1/jobs").json()["items"]) == 1
    assert client.get(f"/v1/sweeps/{deleted.id}").status_code == 404


def test_an_external_search_asks_the_server_to_train_its_parameters(client, lab):
    sweep = lab(search="external", budget={"trials": 3})
    assert get(client, sweep)["counts"]["waiting"] == 0
    trial = post(client, sweep, "/trials", {"parameters": {LEARNING_RATE: 0.003}}, status=201)
    assert (trial["number"], trial["state"], trial["is_from_client"], len(trial["jobs"])) == (0, "waiting", True, 1)
    sweep.run(get_loss)
    assert get(client, sweep, "/trials/0")["value"] == pytest.approx(0.007 + 1 / 3)
    assert post(client, sweep, "/trials/0/value", {"value": 0.25}, status=200)["value"] == 0.25
    told = post(client, sweep, "/trials", {"parameters": {LEARNING_RATE: 0.004}, "value": 0.2}, status=201)
    assert (told["state"], told["jobs"]) == ("complete", [])
    assert get(client, sweep)["best"] == {"trial": 1, "value": 0.2}
    bad = post(client, sweep, "/trials", {"parameters": {LEARNING_RATE: 7}}, status=422)
    assert bad["errors"][0]["pointer"].startswith("/parameters")
    post(client, sweep, "/trials", {"parameters": {LEARNING_RATE: 0.005}}, status=201)
    full = post(client, sweep, "/trials", {"parameters": {LEARNING_RATE: 0.006}}, status=409)
    assert full["code"] == "budget_used_up"
    sweep.run(get_loss)
    assert get(client, sweep)["reason"]["code"] == "budget_trials"


def test_a_client_adds_a_trial_to_a_search_but_not_to_a_grid(client, lab):
    sweep = lab(max_concurrent=3, budget={"trials": 3})
    assert post(client, sweep, "/trials", {"parameters": {LEARNING_RATE: 0.01}}, status=409)["code"] == (
        "too_many_trials"
    )
    grid = lab(search="grid", space={LEARNING_RATE: [0.1, 0.01]})
    assert post(client, grid, "/trials", {"parameters": {LEARNING_RATE: 0.1}}, status=409)["code"] == "not_external"


def test_listed_specs_are_stored_by_one_request(client, lab):
    specs = [build_sweep()["base"] | {"name": f"job {number}"} for number in range(20)]
    sweep = lab(base=None, space=None, budget=None, search="list", specs=specs)
    assert get(client, sweep)["counts"]["waiting"] == 20
    assert [job.name for job in sweep.list_jobs()] == [f"job {number}" for number in range(20)]


def test_a_sweep_of_another_release_stays_readable(client, lab):
    sweep = lab(budget={"trials": 1})
    with sweep.sessions.begin() as session:
        row = session.get_one(Sweep, sweep.id)
        row.spec, row.spec_version = {"search": {"method": "quantum"}}, 7
    assert get(client, sweep)["objective"] is None
    assert get(client, sweep, "/trials", status=409)["code"] == "spec_unreadable"
    sweep.advance()
    view = get(client, sweep)
    assert (view["state"], view["reason"]["code"]) == ("failed", "spec_unreadable")


def test_sweeps_are_found_by_a_part_of_their_name(client):
    for name in ("Night 100%", "night two", "day"):
        assert client.post("/v1/sweeps", json=build_sweep(name=name)).status_code == 201

    def find(text):
        return [sweep["name"] for sweep in client.get("/v1/sweeps", params={"q": text}).json()["items"]]

    assert find("NIGHT") == ["night two", "Night 100%"]
    assert find("0%") == ["Night 100%"]
    assert find("_") == []
    assert len(find("")) == 3
