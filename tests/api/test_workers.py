"""What HTTP tells of workers, of why a job waits, and of what a job ran on. Nobody trains here."""

from service.jobs import attempts
from service.jobs.execution_environment import ExecutionOptions, RanOn
from tests.factories import beat, iris_spec, registration

VERSIONS = {"python": "3.11.7", "stackyard": "0.1.0", "keras": "3.15.1", "tensorflow": "2.21.0"}


def submit(client, device="auto"):
    response = client.post("/v1/jobs", json=iris_spec(run={"device": device}))
    assert response.status_code == 201, response.text
    return response.json()


def test_nobody_is_on_the_list_of_a_server_without_workers(client):
    assert client.get("/v1/workers").json() == {"items": [], "next": None}


def test_a_worker_is_listed_with_what_it_computes_on_and_what_it_does(client, sessions):
    card = "NVIDIA H200"
    worker = beat(sessions, registration("gpu", cards=[card], concurrency=1, threads=4, versions=VERSIONS))
    job = submit(client)
    with sessions.begin() as session:
        attempts.claim(session, queue="gpu", worker="here:8", lease_s=60, worker_id=worker.id)
    [listed] = client.get("/v1/workers").json()["items"]
    started, seen = listed.pop("started_at"), listed.pop("last_seen_at")
    assert started <= seen
    assert seen.endswith("Z")
    assert listed == {
        "id": str(worker.id),
        "state": "serving",
        "host": "here",
        "pid": 7,
        "device": "gpu",
        "cards": [card],
        "queue": "gpu",
        "concurrency": 1,
        "threads": 4,
        "versions": VERSIONS,
        "jobs": [job["id"]],
    }


def test_the_list_has_pages(client, sessions):
    made = [str(beat(sessions, registration(host=f"host-{number}")).id) for number in range(3)]
    first = client.get("/v1/workers", params={"limit": 2}).json()
    second = client.get("/v1/workers", params={"limit": 2, "cursor": first["next"]}).json()
    assert [worker["id"] for page in (first, second) for worker in page["items"]] == made[::-1]
    assert client.get("/v1/workers", params={"cursor": "guess"}).status_code == 422


def test_a_worker_is_told_to_drain_and_to_take_jobs_again(client, sessions):
    path = f"/v1/workers/{beat(sessions, registration()).id}"
    job = submit(client)
    for method, state, code in (("POST", "draining", "no_worker"), ("DELETE", "serving", "starting")):
        answers = [client.request(method, f"{path}/drain") for _ in range(2)]
        assert [(answer.status_code, answer.json()["state"]) for answer in answers] == [(202, state)] * 2
        assert client.get(path).json() == answers[0].json()
        assert client.get(f"/v1/jobs/{job['id']}").json()["waiting"]["code"] == code
    nobody = f"/v1/workers/{job['id']}"
    assert {client.get(nobody).status_code, client.post(f"{nobody}/drain").status_code} == {404}


def test_a_gpu_job_without_a_gpu_worker_says_so_and_a_worker_changes_it(client, sessions):
    job = submit(client, "gpu")
    assert job["waiting"] == {"code": "no_worker", "message": "No live worker serves gpu.", "since": None}
    worker = beat(sessions, registration("gpu"))
    assert client.get(f"/v1/jobs/{job['id']}").json()["waiting"]["code"] == "starting"
    beat(sessions, worker, lasts_s=0.0)
    [listed] = client.get("/v1/jobs").json()["items"]
    assert listed["waiting"]["code"] == "no_worker"
    assert listed["waiting"]["since"].endswith("Z")
    client.post(f"/v1/jobs/{job['id']}/cancel")
    assert client.get(f"/v1/jobs/{job['id']}").json()["waiting"] is None


def test_a_job_says_what_it_runs_on(client, sessions):
    job = submit(client)
    assert "threads" not in client.get(f"/v1/jobs/{job['id']}/script").text
    assert job["ran_on"] is None
    with sessions.begin() as session:
        ran_on = RanOn("cpu", 2, "float32", VERSIONS)
        attempts.claim(session, queue="cpu", worker="here:8", lease_s=60, options=ExecutionOptions(ran_on, ran_on, 1))
    script = client.get(f"/v1/jobs/{job['id']}/script").text
    assert "tf.config.threading.set_intra_op_parallelism_threads(2)" in script
    assert client.get(f"/v1/jobs/{job['id']}").json()["ran_on"] == {
        "device": "cpu",
        "threads": 2,
        "precision": "float32",
        "versions": VERSIONS,
    }
