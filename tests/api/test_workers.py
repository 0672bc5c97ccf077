"""Workers, why a job waits and what it ran on, over HTTP. No job is trained."""

from service.jobs import attempts
from service.jobs.execution_environment import ExecutionEnvironment, ExecutionOptions
from tests.factories import build_registration, iris_spec, record_heartbeat

VERSIONS = {"python": "3.11.7", "stackyard": "0.1.0", "keras": "3.15.1", "tensorflow": "2.21.0"}


def submit(client, **run):
    response = client.post("/v1/jobs", json=iris_spec(run=run))
    assert response.status_code == 201, response.text
    return response.json()


def test_a_server_without_workers_has_an_empty_list(client):
    assert client.get("/v1/workers").json() == {"items": [], "next": None}


def test_a_worker_is_listed_with_its_device_and_its_jobs(client, sessions):
    gpu = "NVIDIA H200"
    worker = record_heartbeat(
        sessions, build_registration("gpu", cards=[gpu], concurrency=1, threads=4, versions=VERSIONS)
    )
    job = submit(client)
    with sessions.begin() as session:
        attempts.claim_job(session, queue="gpu", worker="here:8", lease_s=60, worker_id=worker.id)
    [listed] = client.get("/v1/workers").json()["items"]
    started_at, last_seen_at = listed.pop("started_at"), listed.pop("last_seen_at")
    assert started_at <= last_seen_at
    assert last_seen_at.endswith("Z")
    assert listed == {
        "id": str(worker.id),
        "state": "serving",
        "host": "here",
        "pid": 7,
        "device": "gpu",
        "cards": [gpu],
        "queue": "gpu",
        "concurrency": 1,
        "threads": 4,
        "versions": VERSIONS,
        "jobs": [job["id"]],
    }


def test_the_list_has_pages(client, sessions):
    ids = [str(record_heartbeat(sessions, build_registration(host=f"host-{number}")).id) for number in range(3)]
    first = client.get("/v1/workers", params={"limit": 2}).json()
    second = client.get("/v1/workers", params={"limit": 2, "cursor": first["next"]}).json()
    assert [worker["id"] for page in (first, second) for worker in page["items"]] == ids[::-1]
    assert client.get("/v1/workers", params={"cursor": "guess"}).status_code == 422


def test_a_worker_is_drained_and_takes_jobs_again(client, sessions):
    path = f"/v1/workers/{record_heartbeat(sessions, build_registration()).id}"
    job = submit(client)
    for method, state, code in (("POST", "draining", "no_worker"), ("DELETE", "serving", "starting")):
        answers = [client.request(method, f"{path}/drain") for _ in range(2)]
        assert [(answer.status_code, answer.json()["state"]) for answer in answers] == [(202, state)] * 2
        assert client.get(path).json() == answers[0].json()
        assert client.get(f"/v1/jobs/{job['id']}").json()["waiting"]["code"] == code
    missing = f"/v1/workers/{job['id']}"
    assert {client.get(missing).status_code, client.post(f"{missing}/drain").status_code} == {404}


def test_a_gpu_job_waits_until_a_gpu_worker_lives(client, sessions):
    job = submit(client, device="gpu")
    assert job["waiting"] == {"code": "no_worker", "message": "No live worker serves gpu.", "since": None}
    worker = record_heartbeat(sessions, build_registration("gpu"))
    assert client.get(f"/v1/jobs/{job['id']}").json()["waiting"]["code"] == "starting"
    record_heartbeat(sessions, worker, lasts_s=0.0)
    [listed] = client.get("/v1/jobs").json()["items"]
    assert listed["waiting"]["code"] == "no_worker"
    assert listed["waiting"]["since"].endswith("Z")
    client.post(f"/v1/jobs/{job['id']}/cancel")
    assert client.get(f"/v1/jobs/{job['id']}").json()["waiting"] is None


def test_a_job_reports_its_execution_environment(client, sessions):
    job = submit(client, backend="tensorflow")
    assert "threads" not in client.get(f"/v1/jobs/{job['id']}/script").text
    assert job["ran_on"] is None
    with sessions.begin() as session:
        ran_on = ExecutionEnvironment("cpu", 2, "float32", VERSIONS)
        attempts.claim_job(
            session, queue="cpu", worker="here:8", lease_s=60, options=ExecutionOptions(ran_on, ran_on, 1)
        )
    script = client.get(f"/v1/jobs/{job['id']}/script").text
    assert "tf.config.threading.set_intra_op_parallelism_threads(2)" in script
    assert client.get(f"/v1/jobs/{job['id']}").json()["ran_on"] == {
        "backend": "tensorflow",
        "device": "cpu",
        "threads": 2,
        "precision": "float32",
        "versions": VERSIONS,
    }


def test_the_script_of_a_job_on_jax_has_its_number_of_threads(client, sessions):
    job = submit(client, backend="jax")
    assert "NPROC" not in client.get(f"/v1/jobs/{job['id']}/script").text
    with sessions.begin() as session:
        ran_on = ExecutionEnvironment("cpu", 2, "float32", VERSIONS, "jax")
        attempts.claim_job(
            session, queue="cpu", worker="here:8", lease_s=60, options=ExecutionOptions(ran_on, ran_on, 1)
        )
    script = client.get(f"/v1/jobs/{job['id']}/script").text
    assert script.index('os.environ["NPROC"] = "2"') < script.index("import keras")
