"""Jobs over HTTP: submit, read, list, cancel and delete. No worker runs, so every job stays queued."""

import json
from concurrent.futures import ThreadPoolExecutor

from service.settings import Settings
from tests.factories import iris_spec


def test_a_submitted_job_is_queued_and_returned_in_full(client):
    response = client.post("/v1/jobs", json=iris_spec(tags=["b", "a"]))
    job = response.json()
    assert response.status_code == 201
    assert response.headers["Location"] == f"/v1/jobs/{job['id']}"
    assert client.get(response.headers["Location"]).json() == job | {"before": [], "hidden_before": 0}
    assert (job["state"], job["queue"], job["queue_position"]) == ("queued", "cpu", 0)
    assert job["tags"] == ["a", "b"]
    assert job["dataset"]["name"] == "builtin:iris"
    assert [(step["from"], step["to"]) for step in job["transitions"]] == [(None, "queued")]
    assert job["spec"]["network"]["layers"][0]["momentum"] == 0.99
    assert job["created_at"].endswith("Z")


def test_a_job_keeps_its_warnings(submit, client):
    job = submit(training={"batch_size": 500})
    assert [(warning["code"], warning["pointer"]) for warning in job["warnings"]] == [
        ("batch_larger_than_data", "/training/batch_size")
    ]
    assert client.get(f"/v1/jobs/{job['id']}").json()["warnings"] == job["warnings"]


def test_a_queued_job_has_a_script(submit, client):
    job = submit(training={"seed": None})
    response = client.get(f"/v1/jobs/{job['id']}/script")
    assert response.status_code == 200
    assert response.headers["Content-Type"].startswith("text/x-python")
    compile(response.text, "train.py", "exec")
    assert f"keras.utils.set_random_seed({job['spec']['training']['seed']})" in response.text


def test_a_job_with_a_deleted_dataset_has_no_script(client):
    rows = "a,b\n" + "1,2\n" * 20
    dataset = client.post("/v1/datasets?name=gone", content=rows, headers={"Content-Type": "text/csv"}).json()
    spec = iris_spec(data={"dataset": "gone", "target": {"column": "b"}}, training={"loss": "mse", "metrics": []})
    spec["network"] = {"layers": [{"type": "Dense", "units": 1}]}
    job = client.post("/v1/jobs", json=spec).json()
    client.post(f"/v1/jobs/{job['id']}/cancel")
    assert client.delete(f"/v1/datasets/{dataset['id']}").status_code == 204
    response = client.get(f"/v1/jobs/{job['id']}/script")
    assert response.status_code == 409
    assert response.json()["code"] == "dataset_deleted"


def test_a_seed_is_drawn_once_and_recorded(submit, client):
    job = submit(training={"seed": None})
    assert isinstance(job["spec"]["training"]["seed"], int)
    assert client.get(f"/v1/jobs/{job['id']}").json()["spec"] == job["spec"]
    assert submit(training={"seed": None})["spec"]["training"]["seed"] != job["spec"]["training"]["seed"]


def test_an_invalid_spec_is_refused_with_all_errors_and_submits_nothing(client):
    spec = iris_spec(training={"batch_size": 0, "optimizer": "adamm"})
    spec["network"]["layers"][1]["units"] = "8"
    response = client.post("/v1/jobs", json=spec)
    assert response.status_code == 422
    assert response.headers["Content-Type"] == "application/problem+json"
    assert {error["pointer"] for error in response.json()["errors"]} == {
        "/training/batch_size",
        "/training/optimizer",
        "/network/layers/1/units",
    }
    assert client.get("/v1/jobs").json()["items"] == []


def test_an_unknown_dataset_is_refused_with_its_pointer(client):
    spec = iris_spec()
    spec["data"]["dataset"] = "builtin:irsi"
    response = client.post("/v1/jobs", json=spec)
    assert response.status_code == 422
    [error] = response.json()["errors"]
    assert error["pointer"] == "/data/dataset"
    assert "builtin:iris" in error["message"]


def test_pages_cover_the_list_while_jobs_are_added(client, submit):
    ids = [submit()["id"] for _ in range(5)]
    first = client.get("/v1/jobs", params={"limit": 2}).json()
    submit()
    second = client.get("/v1/jobs", params={"limit": 2, "cursor": first["next"]}).json()
    third = client.get("/v1/jobs", params={"limit": 2, "cursor": second["next"]}).json()
    assert [job["id"] for page in (first, second, third) for job in page["items"]] == ids[::-1]
    assert third["next"] is None


def test_filters_narrow_the_list(client, submit):
    plain, tagged, both = submit(), submit(tags=["x"]), submit(tags=["x", "y"], name="other")
    client.post(f"/v1/jobs/{plain['id']}/cancel")

    def list_ids(**params):
        return {job["id"] for job in client.get("/v1/jobs", params=params).json()["items"]}

    assert list_ids(tag="x") == {tagged["id"], both["id"]}
    assert list_ids(tag=["x", "y"]) == {both["id"]}
    assert list_ids(name="other") == {both["id"]}
    assert list_ids(state="cancelled") == {plain["id"]}
    assert list_ids(state=["cancelled", "queued"]) == {plain["id"], tagged["id"], both["id"]}
    assert list_ids(dataset="builtin:wine") == set()
    assert list_ids(created_after=tagged["created_at"]) == {tagged["id"], both["id"]}
    assert list_ids(created_before=tagged["created_at"]) == {plain["id"]}


def test_the_queue_position_counts_the_jobs_ahead(client, submit):
    first, second, urgent = submit(), submit(), submit(run={"priority": 9})
    positions = [client.get(f"/v1/jobs/{job['id']}").json()["queue_position"] for job in (first, second, urgent)]
    assert positions == [1, 2, 0]


def test_a_repeated_cancellation_of_a_queued_job_changes_nothing(client, submit):
    path = f"/v1/jobs/{submit()['id']}/cancel"
    first, second = client.post(path), client.post(path)
    assert (first.status_code, first.json()["state"]) == (202, "cancelled")
    assert second.json() == first.json()


def test_a_deleted_job_is_not_found(client, submit):
    path = f"/v1/jobs/{submit(tags=['x'])['id']}"
    assert client.delete(path).status_code == 204
    for response in (client.get(path), client.delete(path), client.get(f"{path}/history")):
        assert response.status_code == 404
        assert response.json()["code"] == "not_found"


def test_a_repeated_key_and_body_make_one_job(client):
    headers = {"Idempotency-Key": "once"}
    answers = [client.post("/v1/jobs", json=iris_spec(), headers=headers) for _ in range(3)]
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1
    assert len(client.get("/v1/jobs").json()["items"]) == 1


def test_a_repeated_key_with_another_body_is_a_conflict(client):
    headers = {"Idempotency-Key": "once"}
    client.post("/v1/jobs", json=iris_spec(), headers=headers)
    response = client.post("/v1/jobs", json=iris_spec(name="another"), headers=headers)
    assert (response.status_code, response.json()["code"]) == (409, "idempotency_key_reused")


def test_concurrent_requests_with_one_key_make_one_job(client):
    body = json.dumps(iris_spec())
    headers = {"Idempotency-Key": "race", "Content-Type": "application/json"}
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: client.post("/v1/jobs", content=body, headers=headers), range(16)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["id"] for answer in answers}) == 1


def test_a_job_without_a_model_gives_the_reason(client, submit):
    job = submit()
    waiting = client.get(f"/v1/jobs/{job['id']}/model")
    client.post(f"/v1/jobs/{job['id']}/cancel")
    ended = client.get(f"/v1/jobs/{job['id']}/model")
    assert (waiting.status_code, waiting.json()["code"]) == (409, "no_model_yet")
    assert (ended.status_code, ended.json()["code"]) == (409, "no_model")
    assert "before it started" in ended.json()["detail"]


def test_a_history_before_the_first_epoch_is_empty(client, submit):
    response = client.get(f"/v1/jobs/{submit()['id']}/history")
    assert response.json() == {"epochs": [], "metrics": {}, "nonfinite": {}}


def test_a_submit_is_accepted_while_the_broker_is_down(sqlite_url, tmp_path, make_client):
    settings = Settings(
        data_dir=tmp_path,
        database_url=sqlite_url,
        broker_url=f"redis+socket://{tmp_path}/missing.sock",
    )
    client = make_client(settings)
    assert client.post("/v1/jobs", json=iris_spec()).status_code == 201
    ready = client.get("/readyz")
    assert (ready.status_code, ready.json()) == (
        503,
        {"ready": False, "database": "ok", "broker": "unreachable"},
    )


def test_a_check_returns_shapes_and_parameter_counts_and_submits_nothing(client):
    report = client.post("/v1/specs/check", json=iris_spec()).json()
    assert [layer["output_shape"] for layer in report["layers"]] == [[4], [8], [8], [3]]
    assert report["totals"]["parameters"] == 16 + 40 + 27
    assert client.get("/v1/jobs").json()["items"] == []
